"""What the net is told of a note, what it is scored on, and the commands of the folder."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark import plugins
from benchmark.audio import command
from benchmark.audio.clocking import evenly_cut
from benchmark.audio.loudness import loudness
from benchmark.audio.spectra import magnitudes
from benchmark.data.tones import Tones
from benchmark.task import Batch, Data
from tasks.ddsp import compare, features, realtime, task
from tasks.ddsp.losses import spectral_loss
from tasks.ddsp.model import INPUTS
from tasks.ddsp.synth import HOP, RATE


def sines(*hertz: float, seconds: float = 0.5, cents: float = 0.0) -> Tones:
    """Sines that are so many cents above what is said of them."""
    time = np.arange(round(seconds * RATE)) / RATE
    audio = [np.sin(2 * np.pi * f * 2 ** (cents / 1200) * time) * 16_000 for f in hertz]
    midi = 69 + 12 * np.log2(np.array(hertz) / 440)
    return Tones(np.stack(audio).astype(np.int16), midi, np.arange(len(hertz)))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield task.data("rendered", None, "smoke", 0)


def test_the_net_is_told_pitch_loudness_and_colour():
    found = features.frames(sines(220.0, 440.0))
    assert found.shape == (2, 50, INPUTS)
    middle = found[:, 10:40]
    assert torch.allclose(middle[..., 0], torch.tensor([[220.0], [440.0]]).expand(2, 30), rtol=1e-3)
    expected = 20 * math.log10(16_000 / 32_768)
    # The A curve is 4.1 dB down at 440 Hz, of 220 Hz in windows of 64 ms not that exact.
    assert middle[1, :, 1].mean().item() == pytest.approx(expected - 4.1, abs=0.3)
    assert middle[0, :, 1].mean() < middle[1, :, 1].mean() - 5


def test_the_pitch_is_the_one_that_is_heard_near_the_one_that_is_said():
    near, far = (features.frames(sines(220.0, cents=c))[0, 10:40, 0] for c in (40.0, 400.0))
    assert (1200 * torch.log2(near / 220) - 40).abs().max() < 3
    assert torch.allclose(far, torch.tensor(220.0))


def test_mfccs_are_librosas():
    import librosa

    audio = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
    mel = librosa.feature.melspectrogram(
        y=audio[0].numpy(), sr=RATE, n_fft=1024, hop_length=HOP, n_mels=64, fmin=20, fmax=8000, pad_mode="constant"
    )
    scaled = 10 * np.log10(np.maximum(mel * (2 / 512) ** 2, 1e-8))
    theirs = librosa.feature.mfcc(S=scaled, n_mfcc=30)
    assert np.allclose(features.mfcc(audio)[0].numpy().T, theirs, atol=0.02)


def test_colour_is_scaled_by_the_training_notes(smoke):
    colour = smoke.train.inputs[..., 2:]
    assert colour.mean((0, 1)).abs().max() < 1e-4 and (colour.std((0, 1)) - 1).abs().max() < 0.05
    assert smoke.test.scale is smoke.train.scale is smoke.validation.scale


def test_rows_are_notes(smoke):
    batch = smoke.test.batch(torch.tensor([2, 0]))
    assert batch.inputs.shape == (2, 50, INPUTS) and batch.targets.shape == (2, 8000)
    assert torch.equal(batch.targets[1], smoke.test.audio[0])
    level = loudness(smoke.test.audio[:1], RATE, HOP)[0, 1:]
    assert torch.allclose(smoke.test.inputs[0, :, 1], level, atol=1e-4)


def test_training_hears_a_part_of_a_note_and_its_frames(smoke):
    index = torch.arange(50.0).view(1, 50, 1).expand(6, 50, INPUTS)
    samples = torch.arange(8000.0).expand(6, 8000)
    found = task.augment(Batch(index, samples), torch.Generator().manual_seed(0))
    assert found.inputs.shape == (6, 13, INPUTS) and found.targets.shape == (6, 13 * HOP)
    first = found.inputs[:, 0, 0]
    assert torch.equal(found.targets[:, 0], first * HOP) and len(set(first.tolist())) > 1
    assert torch.equal(found.targets[:, -1], (first + 13) * HOP - 1)
    long = Batch(torch.zeros(2, 400, INPUTS), torch.zeros(2, 400 * HOP))
    assert task.augment(long, torch.Generator().manual_seed(0)).inputs.shape == (2, 50, INPUTS)


def test_the_loss_is_the_papers_form():
    random = torch.Generator().manual_seed(0)
    mine, theirs = (torch.randn(3, 8000, generator=random) * 0.1 for _ in range(2))
    assert torch.equal(spectral_loss(theirs, theirs), torch.zeros(3))
    linear = [magnitudes(theirs, w, w // 2).mean((1, 2)) * (w / 4) for w in (2048, 1024, 512, 256, 128, 64)]
    # A gain of 2 is log 2 in each logarithm, far above the floor.
    expected = math.log(2) + torch.stack(linear).mean(0)
    assert torch.allclose(spectral_loss(2 * theirs, theirs), expected, rtol=0.02)
    assert (spectral_loss(mine, theirs) > spectral_loss(0.9 * theirs, theirs)).all()
    assert task.loss(mine, theirs).dim() == 0


def test_scores_of_the_notes_themselves_and_of_silence(smoke):
    copy = task.evaluate(smoke.test.audio, smoke.test).scores
    assert copy["ddsp.mss.v1"] == 0 and copy["ddsp.rpa50.v1"] == 1 and copy["ddsp.loss.v1"] == 0
    silence = task.evaluate(torch.zeros_like(smoke.test.audio), smoke.test)
    assert silence.scores["ddsp.mss.v1"] == pytest.approx(1, abs=5e-3)
    assert set(silence.items) == set(silence.scores) == {metric.id for metric in task.metrics}
    assert all(len(values) == 9 for items in silence.items.values() for values in items.values())
    assert command.median_cents(silence) == 1200


def test_examples_are_what_was_made_and_what_was_wanted(smoke):
    found = task.evaluate(smoke.test.audio * 0.5, smoke.test).examples
    assert found.rate == RATE and list(found.made) == list(found.wanted) and len(found.made) == 6
    for name, sound in found.made.items():
        assert torch.equal(sound, found.wanted[name] * 0.5)
        assert torch.equal(found.wanted[name], smoke.test.audio[int(name)])


def test_target_summary_is_level():
    assert task.target_summary(torch.full((2, 100), 0.1)).tolist() == pytest.approx([-20, -20], abs=1e-3)


def test_an_unknown_folder_of_recordings_is_an_error():
    with pytest.raises(Exception, match="philharmonia needs recordings"):
        task.data("philharmonia", None, "smoke", 0)


def test_a_short_training_makes_notes_of_the_right_pitch(smoke):
    from benchmark.setting import reference
    from benchmark.training import evaluate, fit

    model = reference(task, "smoke", 0)
    before = evaluate(task, model, smoke.test).scores
    fit(task, model, smoke, task.training("smoke"), seed=0)
    after = evaluate(task, model, smoke.test)
    assert after.scores["ddsp.mss.v1"] < min(0.95, before["ddsp.mss.v1"])
    assert command.median_cents(after) < 20


def test_real_time_factors_of_a_cut_net():
    cut, dense = (evenly_cut(task, "smoke", k) for k in (8, 0))
    x = task.example("smoke")[:, :20]
    found = realtime.factors(cut, x)
    assert found["parameters"] < 0.2 * realtime.factors(dense, x)["parameters"]
    assert {"blocks of 1", "blocks of 4", "blocks of 16", "whole"} < set(found)
    assert all(entry["factor"] > 0 for name, entry in found.items() if name != "parameters")
    json.dumps(found)


def test_the_folder_is_a_task_whatever_its_name():
    assert plugins.task("ddsp") is not None
    text = "".join(path.read_text() for path in Path(features.__file__).parent.glob("*.py"))
    assert "from tasks" not in text and "import tasks" not in text


def test_the_comparison_of_a_data_set_that_is_not_there_is_one_line(capsys):
    assert compare.main(["--data", "renderd"]) == 2
    assert capsys.readouterr().err.startswith("no data set 'renderd': did you mean 'rendered'")
