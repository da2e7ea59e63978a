"""What the nets are given of a note, how training varies it, what they are scored on, and the folder's commands."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark import plugins
from benchmark.audio import command, tracker
from benchmark.audio.clocking import evenly_cut
from benchmark.audio.examples import write_examples
from benchmark.data.tones import Tones
from benchmark.errors import UsageError
from benchmark.setting import reference
from benchmark.task import Batch, Data
from benchmark.training import evaluate, fit
from tasks.sing import compare, realtime, task
from tasks.sing.layers import HOP, RATE
from tasks.sing.losses import EPSILON, WINDOW, Power, log_power, spectral_loss
from tasks.sing.notes import excerpt, level
from tasks.sing.sequence import BANDS, INPUTS, TIMBRE
from tasks.sing.told import FRAMES, HERTZ, SECONDS, VELOCITY, ToldNotes, timbre

ROOT = Path(__file__).resolve().parents[2]
told = task.on("symbols")


def sines(*hertz: float, seconds: float = 0.5, amplitude: float = 0.5) -> Tones:
    time = np.arange(round(seconds * RATE)) / RATE
    audio = [np.sin(2 * np.pi * f * time) * 32_768 * amplitude for f in hertz]
    midi = 69 + 12 * np.log2(np.array(hertz) / 440)
    return Tones(np.stack(audio).astype(np.int16), midi, np.arange(len(hertz)))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def smoke(cache) -> Data:
    return task.data("rendered", None, "smoke", 0)


@pytest.fixture(scope="module")
def symbols(cache) -> Data:
    return told.data("symbols", None, "smoke", 0)


def test_the_loss_is_of_powers_that_are_not_scaled():
    tone = torch.cos(2 * math.pi * 64 / 1024 * torch.arange(8192.0)).unsqueeze(0)
    # A Hann window of 1,024 adds up to 512, half of which is of either sign of the frequency.
    assert log_power(tone)[0, 64, 16].item() == pytest.approx(math.log(1 + 256**2 / EPSILON), abs=1e-3)
    assert not log_power(torch.zeros(1, 8192)).any()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frame = np.fft.rfft(tone[0, 1024 - 512 : 1024 + 512].numpy() * window)
    assert np.allclose(log_power(tone)[0, :, 4].numpy(), np.log(1 + np.abs(frame) ** 2 / EPSILON), atol=1e-3)


def test_the_gradient_of_power_is_what_torch_says():
    frames = torch.randn(2, WINDOW, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours = Power.apply(frames)
    theirs = torch.fft.rfft(frames).abs().square()
    push = torch.randn(ours.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (mine,), (other,) = (torch.autograd.grad(power, frames, push) for power in (ours, theirs))
    assert torch.allclose(ours, theirs) and torch.allclose(mine, other)


def test_the_loss_of_known_differences():
    noise = torch.randn(3, 8192, generator=torch.Generator().manual_seed(0))
    assert torch.equal(spectral_loss(noise, noise), torch.zeros(3))
    # Far above what is added, half of the amplitude is log 4 less; upside down is the same.
    assert torch.allclose(spectral_loss(500 * noise, 1000 * noise), torch.full((3,), math.log(4)), atol=1e-3)
    assert torch.equal(spectral_loss(-noise, noise), torch.zeros(3))
    silence = torch.zeros_like(noise)
    assert torch.allclose(spectral_loss(silence, noise), log_power(noise).mean((1, 2)))
    assert torch.equal(spectral_loss(silence, silence), torch.zeros(3)) and task.loss(silence, noise).dim() == 0


def test_no_source_and_no_key_is_on_two_sides(smoke, symbols):
    for data in (smoke, symbols):
        splits = (data.train, data.validation, data.test)
        for one, other in combinations(splits, 2):
            assert not set(one.sources.tolist()) & set(other.sources.tolist())
    keys = [set((69 + 12 * torch.log2(split.symbols[:, 0] / 440)).round().int().tolist()) for split in splits]
    assert all(keys) and not any(one & other for one, other in combinations(keys, 2))


def test_the_same_call_gives_the_same_notes(smoke, symbols):
    again, other = (task.data("rendered", None, "smoke", seed) for seed in (0, 1))
    assert again.digest == smoke.digest != other.digest and torch.equal(again.test.audio, smoke.test.audio)
    assert set(other.test.sources.tolist()) != set(smoke.test.sources.tolist())
    assert symbols.digest != smoke.digest and torch.equal(symbols.test.audio, smoke.test.audio)
    assert torch.equal(told.data("symbols", None, "smoke", 0).test.symbols, symbols.test.symbols)


def test_a_net_hears_the_note_that_it_is_to_give(smoke):
    batch = smoke.test.batch(torch.tensor([2, 0]))
    assert torch.equal(batch.inputs, batch.targets) and torch.equal(batch.inputs[1], smoke.test.audio[0])
    assert batch.inputs.shape == (2, 7936) and task.seconds("smoke") == pytest.approx(0.496)


def test_a_net_is_told_pitch_velocity_time_and_timbre():
    notes = ToldNotes(sines(220.0, 440.0), None)
    batch = notes.batch(torch.tensor([1, 0]))
    hops = 8000 // HOP
    assert batch.inputs.shape == (2, hops + FRAMES, INPUTS) and batch.targets.shape == (2, hops * HOP)
    assert torch.allclose(batch.inputs[..., HERTZ], torch.tensor([[440.0], [220.0]]), rtol=1e-5)
    assert torch.allclose(batch.inputs[..., VELOCITY], torch.tensor(20 * math.log10(0.5)), atol=0.01)
    assert torch.allclose(batch.inputs[0, :, SECONDS].diff(), torch.tensor(HOP / RATE), atol=1e-6)
    # Symmetric about the note: silence of the same length is on both sides.
    middle = (batch.inputs[0, 0, SECONDS] + batch.inputs[0, -1, SECONDS]) / 2
    assert middle.item() == pytest.approx(hops * HOP / 2 / RATE, abs=1e-6)


def test_timbre_is_colour_and_how_it_fades_but_not_level():
    steady = torch.from_numpy(sines(220.0, 3000.0).audio / 32_768).float()
    fading = steady * torch.logspace(0, -2, steady.shape[1])
    found = timbre(steady)
    assert found.shape == (2, TIMBRE) and torch.allclose(found, timbre(0.1 * steady), atol=0.1)
    low, high = found[:, :BANDS].argmax(1).tolist()
    assert low < high and torch.allclose(found[:, low], found[:, BANDS + low], atol=1)
    assert ((timbre(fading)[0, BANDS + low] - timbre(fading)[0, low]) < -15).all()


def test_timbres_are_scaled_by_the_training_notes(symbols):
    colour = symbols.train.symbols[:, 2:]
    assert colour.mean(0).abs().max() < 1e-4 and (colour.std(0) - 1).abs().max() < 1e-4
    assert symbols.test.scale is symbols.train.scale


def test_an_excerpt_is_the_note_at_another_speed():
    ramp = torch.arange(40.0 * HOP).expand(50, -1)
    found = excerpt(ramp, torch.Generator().manual_seed(0))
    assert found.audio.shape == (50, 20 * HOP)
    assert torch.allclose(found.audio[:, :1], found.first, atol=1e-2)
    assert torch.allclose(found.audio.diff(), found.speed.expand(-1, 20 * HOP - 1), atol=5e-3)
    semitones = 12 * found.speed.log2()
    assert -3 <= semitones.min() < -2.5 and 2.5 < semitones.max() <= 3 and found.audio.max() <= 40 * HOP - 1


def test_levels_are_spread_over_twenty_decibels():
    gain = level(torch.full((200, 1), 0.25), torch.Generator().manual_seed(0))
    peak = 20 * (0.25 * gain).log10()
    assert -20 <= peak.min() < -19 and -2 < peak.max() <= -1


def test_what_is_heard_is_varied_with_its_target(smoke):
    plain = smoke.train.batch(torch.arange(8))
    batch = task.augment(plain, torch.Generator().manual_seed(0))
    assert torch.equal(batch.inputs, batch.targets) and batch.inputs.shape == (8, 15 * HOP)
    peak = 20 * batch.inputs.abs().amax(1).log10()
    assert (peak > -20.01).all() and (peak < -0.99).all()
    assert not torch.equal(task.augment(plain, torch.Generator().manual_seed(1)).inputs, batch.inputs)


def test_what_is_told_follows_the_sound():
    notes = ToldNotes(sines(220.0, 311.0, 587.0, seconds=1.0), None)
    batch = told.augment(notes.batch(torch.arange(3)), torch.Generator().manual_seed(0))
    assert batch.inputs.shape == (3, 31 + FRAMES, INPUTS) and batch.targets.shape == (3, 31 * HOP)
    heard = tracker.track(batch.targets.numpy(), RATE).hertz[:, 2:-2]
    assert np.abs(tracker.cents(heard, batch.inputs[:, :1, HERTZ].numpy())).max() < 5
    peak = 20 * batch.targets.abs().amax(1).log10()
    assert torch.allclose(peak, batch.inputs[:, 0, VELOCITY], atol=0.05)
    assert batch.inputs[..., HERTZ].unique().numel() == 3
    # The sines begin at phase 0 with the note, so the phase of what is left says how late it begins.
    seconds, hertz = (batch.inputs[:, 0, place].double() for place in (SECONDS, HERTZ))
    begins = seconds - notes.batch(torch.tensor([0])).inputs[0, 0, SECONDS]
    time = begins.unsqueeze(1) + torch.arange(31 * HOP) / RATE
    expected = torch.sin(2 * math.pi * hertz.unsqueeze(1) * time) * batch.targets.abs().amax(1, keepdim=True)
    assert torch.corrcoef(torch.stack([batch.targets.flatten().double(), expected.flatten()]))[0, 1] > 0.99


def test_what_is_asked_depends_on_the_data_set():
    assert type(told.model("smoke")) is not type(task.model("smoke"))
    assert type(task.on("nsynth").model("smoke")) is type(task.model("smoke"))
    assert told.example("smoke").shape == (1, 31 + FRAMES, INPUTS) and task.example("smoke").shape == (1, 7936)
    for of in (task, told):
        assert of.model("smoke")(of.example("smoke")).shape == (1, 7936)
    with pytest.raises(UsageError, match="did you mean 'symbols'"):
        task.on("symbol")


def test_scores_of_the_notes_themselves_and_of_silence(smoke):
    copy = task.evaluate(smoke.test.audio, smoke.test).scores
    assert copy["sing.mss.v1"] == 0 and copy["sing.rpa50.v1"] == 1 and copy["sing.loss.v1"] == 0
    silence = task.evaluate(torch.zeros_like(smoke.test.audio), smoke.test)
    assert silence.scores["sing.mss.v1"] == pytest.approx(1, abs=5e-3)
    assert silence.scores["sing.loss.v1"] == pytest.approx(log_power(smoke.test.audio).mean().item(), rel=1e-4)
    assert set(silence.items) == set(silence.scores) == {metric.id for metric in task.metrics}
    assert all(len(values) == 9 for items in silence.items.values() for values in items.values())
    assert command.median_cents(silence) == 1200


def test_examples_are_what_was_made_and_what_was_wanted(smoke, tmp_path):
    found = task.evaluate(smoke.test.audio * 0.5, smoke.test).examples
    assert found is not None and found.rate == RATE and set(found.made) == set(found.wanted) and len(found.made) == 6
    assert all(torch.equal(found.made[name], 0.5 * found.wanted[name]) for name in found.made)
    assert len(write_examples(tmp_path, found.made, found.rate)) == 6


def test_target_summary_is_level():
    assert task.target_summary(torch.full((2, 100), 0.1)).tolist() == pytest.approx([-20, -20], abs=1e-3)


@pytest.mark.parametrize("of", [task, told], ids=["heard", "told"])
def test_a_short_training_comes_nearer(of, smoke, symbols):
    data = smoke if of is task else symbols
    model = reference(of, "smoke", 0)
    before = evaluate(of, model, data.test).scores
    fit(of, model, data, of.training("smoke"), seed=0)
    after = evaluate(of, model, data.test).scores
    assert after["sing.mss.v1"] < before["sing.mss.v1"] - 0.015
    if of is task:  # The generator's loss hardly moves in so few steps.
        assert after["sing.loss.v1"] < 0.98 * before["sing.loss.v1"]


def test_a_batch_is_varied_the_same_for_the_same_seed(symbols):
    batch = symbols.train.batch(torch.arange(4))
    one, other = (told.augment(batch, torch.Generator().manual_seed(7)) for _ in range(2))
    assert isinstance(one, Batch) and torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets)


def test_real_time_factors_of_a_cut_net():
    for of, keys in ((task, {"blocks of 1", "blocks of 4", "blocks of 16"}), (told, set())):
        x, seconds = of.example("smoke"), of.seconds("smoke")
        found, dense = (realtime.factors(evenly_cut(of, "smoke", k), x, seconds) for k in (8, 0))
        assert found["parameters"] < 0.2 * dense["parameters"] and keys | {"whole"} < set(found)
        assert all(found[name]["factor"] > 0 for name in keys | {"whole"})
        assert all(found[name]["block ms"] > 0 for name in keys)
        json.dumps(found)
    assert realtime.factors(evenly_cut(task, "smoke", 8), task.example("smoke"), 1.0)["late ms"] == 80


def test_comparing_recordings_that_are_not_there_is_one_line(capsys):
    assert compare.main(["--data", "philharmonia", "--seeds", "0"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert compare.main(["--data", "nothing"]) == 2


@pytest.mark.long
def test_a_run_through_the_harness(tmp_path):
    command = "run --task sing --profile smoke --criterion magnitude --no-controls --seeds 0 --jobs 1"
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *command.split(), "--results", str(tmp_path / "results")],
        cwd=ROOT,
        env=os.environ | {"TRIMBENCH_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "results" / "sing" / "rendered" / "smoke" / "magnitude" / "seed0.json").read_text())
    sizes = [entry["parameters"] for entry in record["rounds"]]
    assert record["status"] == "complete" and sizes == sorted(sizes, reverse=True) and sizes[-1] < 0.06 * sizes[0]
    assert all(math.isfinite(entry["test"]["sing.mss.v1"]) for entry in record["rounds"])


def test_the_folder_is_a_task_whatever_its_name():
    assert plugins.task("sing") is not None
    text = "".join(path.read_text() for path in (ROOT / "tasks" / "sing").glob("*.py"))
    assert "from tasks" not in text and "import tasks" not in text
