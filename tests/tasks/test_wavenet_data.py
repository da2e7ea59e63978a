"""Levels, mel frames, linear prediction, windows and scores; a run through the harness."""

from __future__ import annotations

import math
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark import plugins
from benchmark.audio import command
from benchmark.audio.scores import HIGHER_IS_BETTER
from benchmark.data.tones import Tones
from benchmark.metrics import reduction
from benchmark.task import Data
from tasks.wavenet import features, generate, mulaw, task
from tasks.wavenet.data import IGNORED, Notes, gains
from tasks.wavenet.guesses import guesses, nats
from tasks.wavenet.model import WaveNet
from tasks.wavenet.prediction import REACH, coefficients, predicted, told
from tasks.wavenet.shape import KINDS, MELS, SHAPES
from tasks.wavenet.vocoder import vocoded

SMOKE = SHAPES["smoke"]
HOP, LEAD = SMOKE.hop, SMOKE.lead
ROW = LEAD + 4
"""Frames of a row, four of them scored."""


def sines(*hertz: float, seconds: float = 0.256, peak: float = 0.5) -> Tones:
    time = np.arange(round(seconds * 16_000)) / 16_000
    audio = [np.sin(2 * np.pi * f * time) * peak * 32_768 for f in hertz]
    return Tones(np.stack(audio).astype(np.int16), np.zeros(len(hertz)), np.arange(len(hertz)))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield task.data("rendered", None, "smoke", 0)


def test_levels_are_those_of_the_formula():
    # round((sign(x) ln(1 + 255 |x|) / ln 256 + 1) / 2 * 255), by hand.
    known = {0.0: 128, 1.0: 255, -1.0: 0, 2.0: 255, -2.0: 0, 0.5: 239, -0.5: 16, 0.01: 157, -0.01: 98, 1 / 255: 143}
    assert mulaw.encode(torch.tensor(list(known))).tolist() == list(known.values())
    assert mulaw.encode(torch.zeros(1)).item() == mulaw.SILENCE


def test_a_level_is_heard_and_comes_back():
    levels = torch.arange(256)
    heard = mulaw.decode(levels)
    assert torch.equal(mulaw.encode(heard), levels)
    assert heard[0] == -1 and heard[255] == 1 and torch.equal(heard.flip(0), -heard)
    assert (heard.diff() > 0).all()


def test_what_is_lost_is_small_beside_what_is_heard():
    x = torch.linspace(-1, 1, 20_001)
    lost = (mulaw.decode(mulaw.encode(x)) - x).abs()
    # Half a step of the bent scale is 1 / 255, which is ln 256 / 255 of the sample and of what is added to it.
    assert (lost <= 1.02 * math.log(256) / 255 * (x.abs() + 1 / 255)).all()


def test_a_note_is_told_in_bands_of_its_pitch_after_silence():
    audio = features.sound(sines(500.0, 1500.0), SMOKE)
    found = features.mels(audio, SMOKE)
    assert found.shape == (2, LEAD + 8, MELS) and audio.shape == (2, (LEAD + 8) * HOP)
    assert (audio[:, : LEAD * HOP] == 0).all() and (audio[:, LEAD * HOP :].abs().amax(1) > 0.4).all()
    loudest = found[:, LEAD + 2 : -2].argmax(2)
    assert (loudest == loudest[:, :1]).all() and loudest[0, 0] < loudest[1, 0]


def test_mel_bands_are_librosas():
    import librosa

    audio = features.sound(sines(700.0), SMOKE)
    padded = audio[0, HOP // 2 :].numpy()
    theirs = librosa.feature.melspectrogram(
        y=padded, sr=8000, n_fft=4 * HOP, hop_length=HOP, n_mels=MELS, fmin=20, fmax=4000, pad_mode="constant"
    )
    # A sine of amplitude 1 has 1 here and a quarter of the window there.
    decibels = 10 * np.log10(np.maximum(theirs / HOP**2, 1e-8))
    assert np.allclose(features.mels(audio, SMOKE)[0].numpy().T, decibels[:, : LEAD + 8] / 40 + 1, atol=0.01)


def test_the_pitch_is_not_moved_by_the_lower_rate():
    audio = features.sound(sines(1000.0, seconds=0.512), SMOKE)[0, LEAD * HOP :]
    spectrum = torch.fft.rfft(audio[512:3584] * torch.hann_window(3072)).abs()
    assert spectrum.argmax().item() == 1000 * 3072 // 8000
    assert audio.abs().max() == pytest.approx(0.5, abs=0.02)


def test_splits_share_no_source_and_no_pitch(smoke):
    sides = (smoke.train, smoke.validation, smoke.test)
    for one, other in combinations(sides, 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
    assert all(len(np.unique(side.sources)) > 1 for side in sides)


def test_the_same_call_gives_the_same_content(smoke):
    again = task.data("rendered", None, "smoke", 0)
    assert again.digest == smoke.digest != task.data("rendered", None, "smoke", 1).digest
    for one, other in zip((smoke.train, smoke.test), (again.train, again.test), strict=True):
        rows = torch.arange(len(one))
        assert torch.equal(one.batch(rows).inputs, other.batch(rows).inputs)
        assert torch.equal(one.batch(rows).targets, other.batch(rows).targets)


def test_coefficients_solve_the_normal_equations():
    from scipy.linalg import solve_toeplitz

    random = torch.Generator().manual_seed(0)
    mels = 0.5 * torch.rand((5, 3, MELS), generator=random)
    found, rms = coefficients(mels, SMOKE)
    assert found.shape == (5, 3, 64) and rms.shape == (5, 3)
    # The same from the spectrum that the bands are spread over, by a solver: band middles joined in decibels.
    bands = features.filters(SMOKE).double().numpy()
    bins = np.arange(bands.shape[1])
    middle = (bands * bins).sum(1) / bands.sum(1)
    decibels = (mels[2, 1].double().numpy() - 1) * 40 - 10 * np.log10(bands.sum(1))
    lags = np.arange(65)
    given = np.fft.irfft(10 ** (np.interp(bins, middle, decibels) / 10))[:65]
    given *= np.exp(-0.5 * (2 * np.pi * 4 / 8000 * lags) ** 2)
    white = given[0] * 1e-6
    first = np.concatenate([given[:1] + white, given[1:-1]])
    wanted = solve_toeplitz(first, given[1:])
    assert np.allclose(found[2, 1].numpy(), wanted, rtol=1e-4, atol=1e-5)
    # White noise of a power of 1 has 6 / 1024 in every bin of a Hann window of 1,024 under which sines keep theirs.
    assert rms[2, 1].item() ** 2 == pytest.approx((first[0] - wanted @ given[1:]) * 1024 / 6, rel=1e-4)


def test_of_white_noise_all_is_left():
    noise = 0.1 * torch.randn((4, 40 * HOP), generator=torch.Generator().manual_seed(0))
    found, rms = coefficients(features.mels(noise, SMOKE), SMOKE)
    # Bands of few bins move from frame to frame, and prediction takes a little of that for structure.
    assert 0.094 < rms[:, 2:-2].square().mean().sqrt() < 0.1
    left = noise - predicted(noise, found, SMOKE)
    assert 0.09 < left.square().mean().sqrt() < 0.1


def test_a_prediction_is_the_sum_of_the_samples_before_by_their_coefficients():
    random = torch.Generator().manual_seed(0)
    audio = 0.1 * torch.randn((2, 3 * HOP), generator=random)
    found = 0.1 * torch.randn((2, 3, 64), generator=random)
    guess = predicted(audio, found, SMOKE)
    for row, at in ((0, 0), (0, 5), (1, HOP - 1), (1, HOP), (0, 3 * HOP - 1)):
        known = [audio[row, at - 1 - k].item() if at > k else 0.0 for k in range(64)]
        wanted = sum(a * x for a, x in zip(found[row, at // HOP].tolist(), known, strict=True))
        assert guess[row, at].item() == pytest.approx(wanted, abs=1e-6)
    assert predicted(10 * audio, found, SMOKE).abs().max() == 1


def test_little_is_left_of_a_note_that_is_predicted_from_its_mel_frames():
    audio = features.sound(sines(200.0, 1000.0, seconds=0.512), SMOKE)
    found, _ = coefficients(features.mels(audio, SMOKE), SMOKE)
    left = (audio - predicted(audio, found, SMOKE))[:, (LEAD + 4) * HOP : (LEAD + 12) * HOP]
    assert (10 * (left.square().mean(1) / 0.125).log10() < -25).all()  # beside a sine of amplitude one half


def test_silence_is_predicted_as_silence():
    found, rms = coefficients(torch.full((1, 2, MELS), -1.0), SMOKE)
    assert (found.abs() < 2).all() and (rms > 0).all()
    levels = told(torch.zeros(1, 2 * HOP), torch.zeros(1, 2 * HOP), rms)
    assert levels.dtype == torch.uint8 and (levels == mulaw.SILENCE).all() and levels.shape == (1, KINDS, 2 * HOP)


def test_levels_are_in_units_of_what_is_expected_of_the_excitation():
    audio, guess, rms = torch.tensor([[0.5, 0.2]]), torch.tensor([[0.4, 0.6]]), torch.tensor([[0.02, 0.1]])
    units = [[0.5 / 5.12, 0.2 / 25.6], [0.4 / 5.12, 0.6 / 25.6], [0.1 / 0.32, -0.4 / 1.6]]
    assert told(audio, guess, rms)[0].tolist() == mulaw.encode(torch.tensor(units)).tolist()
    # A note that is softer is told in the same levels.
    assert torch.equal(told(audio / 8, guess / 8, rms / 8), told(audio, guess, rms))


def test_predictions_and_excitations_give_the_notes():
    tones = sines(*(100.0 + 40 * i for i in range(20)))
    notes = Notes(tones, SMOKE, None)
    _, rms = coefficients(notes.mels, SMOKE)
    units = rms.unsqueeze(1) * torch.tensor(REACH).unsqueeze(1)
    heard = mulaw.decode(notes.levels).unflatten(2, (-1, HOP)) * units.unsqueeze(3)
    again = heard[:, 1] + heard[:, 2]
    audio = torch.nn.functional.pad(notes.audio, (LEAD * HOP, 0)).unflatten(1, (-1, HOP))
    # Both are rounded to levels, which are coarser the louder they are; what begins in a frame may be beyond its units.
    coarse = 0.03 * (heard[:, 1].abs() + heard[:, 2].abs()) + 0.05 * rms.unsqueeze(2)
    held = (notes.levels[:, 1:] % 255 > 0).all(1).unflatten(1, (-1, HOP))
    assert held[:, LEAD + 1 :].float().mean() > 0.99
    assert ((again - audio).abs() < coarse)[held].all()


def test_training_hears_notes_too_loud_or_too_soft_and_is_asked_for_them_as_they_are():
    tones = sines(*(100.0 + 40 * i for i in range(20)))
    right, wrong = Notes(tones, SMOKE, None), Notes(tones, SMOKE, None, 20.0)
    assert torch.equal(right.levels[:, 2], right.asked) and torch.equal(right.asked, wrong.asked)
    # The softest samples have no level of their own, and the loudest are clipped.
    heard, as_it_is = (mulaw.decode(notes.levels[:, :2]).flatten(1).abs() for notes in (wrong, right))
    loud = torch.where((as_it_is > 0.02) & (heard > 0.02) & (heard < 1), heard / as_it_is, torch.nan).nanmedian(1)[0]
    wanted = 20 * gains(20, 20.0)[:, 0].log10()
    assert torch.allclose(20 * loud.log10(), wanted, atol=0.5)
    assert wanted.min() < -10 and 10 < wanted.max() <= 20 and (gains(20, 0.0) == 1).all()


def test_noise_through_the_prediction_has_the_pitch_of_the_note():
    hertz = (250.0, 400.0, 900.0)
    train, test = (
        Notes(sines(300.0, 700.0, seconds=0.512), SMOKE, None),
        Notes(sines(*hertz, seconds=0.512), SMOKE, None),
    )
    made = vocoded(train, test)
    assert made.shape == test.audio.shape
    spectrum = torch.fft.rfft(made[:, 1024:3072] * torch.hann_window(2048)).abs()
    # Bands of 31 Hz say the pitch no better than this.
    assert (spectrum.argmax(1) * 8000 / 2048 - torch.tensor(hertz)).abs().max() < 24
    assert torch.equal(vocoded(train, test), made)


def test_rows_are_windows_whose_lead_is_not_asked_for(smoke):
    batch = smoke.test.batch(torch.tensor([4, 1]))
    assert batch.inputs.shape == (2, ROW, KINDS * HOP + MELS) and batch.targets.shape == (2, ROW * HOP)
    assert batch.inputs.dtype == torch.float32 and batch.targets.dtype == torch.int64
    lead = LEAD * HOP
    assert (batch.targets[:, :lead] == IGNORED).all()
    # The last kind of levels is what is asked for.
    assert torch.equal(batch.targets[:, lead:], batch.inputs[..., 2 * HOP : 3 * HOP].flatten(1)[:, lead:].long())
    first = int(smoke.test.first[4])
    assert torch.equal(batch.inputs[0, :, KINDS * HOP :], smoke.test.mels[4, first : first + ROW])
    heard = smoke.test.levels[4, :, first * HOP : (first + ROW) * HOP].unflatten(1, (ROW, HOP))
    assert torch.equal(batch.inputs[0, :, : KINDS * HOP], heard.transpose(0, 1).flatten(1).float())
    assert len(smoke.test.first.unique()) > 1


def test_training_hears_windows_at_random_places_half_of_them_upside_down(smoke):
    rows, window, levels = torch.arange(20), LEAD + 1, KINDS * HOP
    whole = smoke.train.batch(rows)
    assert whole.inputs.shape[1] == LEAD + 8
    found = task.augment(whole, torch.Generator().manual_seed(0))
    assert found.inputs.shape == (20, window, levels + MELS)
    starts, turned = [], []
    for row, (note, part) in enumerate(zip(whole.inputs, found.inputs, strict=True)):
        other = torch.cat([255 - note[:, :levels], note[:, levels:]], 1)
        at, upside = next(
            (at, upside) for upside, of in enumerate((note, other)) for at in range(8)
            if torch.equal(of[at : at + window], part)
        )  # fmt: skip
        asked = whole.targets[row, (at + LEAD) * HOP : (at + window) * HOP]
        assert torch.equal(found.targets[row, LEAD * HOP :], 255 - asked if upside else asked)
        starts.append(at)
        turned.append(upside)
    assert len(set(starts)) > 2 and 4 < sum(turned) < 16
    assert (found.targets[:, : LEAD * HOP] == IGNORED).all() and (found.targets[:, LEAD * HOP :] >= 0).all()


def test_the_loss_counts_from_the_end_of_the_lead_on(smoke):
    targets = smoke.test.batch(torch.arange(3)).targets
    right = torch.nn.functional.one_hot(targets.clamp_min(0), 256).transpose(1, 2) * 100.0
    assert task.loss(right, targets).item() == pytest.approx(0, abs=1e-6)
    lead = LEAD * HOP
    wrong = right.clone()
    wrong[:, :, :lead] = -right[:, :, :lead]
    assert torch.equal(task.loss(wrong, targets), task.loss(right, targets))
    wrong[0, :, lead] = -right[0, :, lead]
    assert task.loss(wrong, targets).item() > 0.01


def test_the_score_is_the_loss_note_by_note(smoke):
    random = torch.randn(9, 256, ROW * HOP, generator=torch.Generator().manual_seed(0))
    targets = smoke.test.batch(torch.arange(9)).targets
    found = task.evaluate(random, smoke.test)
    assert found.scores["wavenet.nll.v3"] == pytest.approx(task.loss(random, targets).item(), rel=1e-5)
    items = found.items["wavenet.nll.v3"]
    assert items["whole"].tolist() == [4 * HOP] * 9
    assert items["part"][3] / 1024 == pytest.approx(task.loss(random[3:4], targets[3:4]).item(), rel=1e-5)
    flat = task.evaluate(torch.zeros_like(random), smoke.test).scores
    assert flat["wavenet.nll.v3"] == pytest.approx(math.log(256), abs=1e-6)
    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(random, object())


def test_target_summary_is_the_level_of_what_is_asked_for():
    loud = mulaw.encode(torch.full((2, 200), 0.1))
    loud[1] = mulaw.encode(torch.tensor(0.01))
    loud[:, :100] = IGNORED
    assert task.target_summary(loud).tolist() == pytest.approx([-20, -40], abs=0.2)


def test_guesses_know_more_the_more_they_hear():
    low, lower, high = (Notes(sines(*tones), SMOKE, window) for tones, window in (
        ((180.0, 210.0, 240.0), None), ((200.0,), ROW), ((220.0,), ROW),
    ))  # fmt: skip
    found = guesses(low, lower, high)
    assert found["uniform"] == math.log(256) > found["marginal"] > found["previous"] > 0.3
    assert nats(torch.full((256, 256), 1 / 256), high) == pytest.approx(math.log(256))


def test_generated_notes_are_always_the_same_and_begin_where_the_note_does(smoke):
    torch.manual_seed(0)
    net = WaveNet(SMOKE)
    first = generate.generate(net, smoke.test)
    torch.manual_seed(5)
    assert net.training and torch.equal(generate.generate(net, smoke.test), first)
    assert first.shape == smoke.test.audio.shape and first.abs().max() <= 1
    assert first.std(1).min() > 0.01  # an untrained net draws any level


def test_scores_of_generated_notes_are_items_of_the_whole_split(smoke, monkeypatch):
    monkeypatch.setattr(generate, "GENERATED", 2)
    assert generate.chosen(smoke.test).tolist() == [0, 4]
    torch.manual_seed(0)
    net = WaveNet(SMOKE)
    items = generate.heard(generate.generate(net, smoke.test), smoke.test)
    assert set(items) == set(HIGHER_IS_BETTER)
    for arrays in items.values():
        assert set(arrays) == {"part", "whole"} and all(len(values) == 9 for values in arrays.values())
        assert (arrays["whole"][[1, 2, 3, 5, 6, 7, 8]] == 0).all()
    assert items["mss"]["whole"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert reduction("ratio")(items["mss"]) > 0.5


def test_once_a_round_the_net_itself_is_heard(smoke, monkeypatch):
    monkeypatch.setattr(generate, "GENERATED", 2)
    torch.manual_seed(0)
    net = WaveNet(SMOKE).eval()
    module = sys.modules[type(task).__module__]
    monkeypatch.setattr(module, "generate", lambda model, split: split.audio[generate.chosen(split)])
    found = task.test(net, torch.zeros(9, 256, ROW * HOP), smoke.test)
    assert set(found.scores) == set(found.items) == {metric.id for metric in task.metrics}
    assert found.scores["wavenet.mss.v1"] == found.scores["wavenet.loudness.v1"] == 0
    assert found.scores["wavenet.rpa50.v1"] == 1 and command.median_cents(found) == 0
    assert found.scores["wavenet.nll.v3"] == pytest.approx(math.log(256), abs=1e-6)
    assert found.examples.rate == 8000 and list(found.examples.made) == list(found.examples.wanted) == ["0000", "0004"]
    assert torch.equal(found.examples.wanted["0004"], smoke.test.audio[4])


def test_an_unknown_folder_of_recordings_is_an_error():
    with pytest.raises(Exception, match="philharmonia needs recordings"):
        task.data("philharmonia", None, "smoke", 0)


@pytest.mark.long
def test_a_run_goes_through_the_harness(tmp_path, monkeypatch):
    from benchmark import records
    from benchmark.records import RunKey
    from benchmark.run import perform

    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(generate, "GENERATED", 2)
    key = RunKey("wavenet", "rendered", "smoke", "magnitude", 0)
    perform(key, tmp_path / "results", None)
    record = records.read(key.path(tmp_path / "results"))
    assert record.status == "complete" and len(record.rounds) == 6
    nll = [of.test["wavenet.nll.v3"] for of in record.rounds]
    assert nll[0] < 5.5 and all(score < 5.55 for score in nll)
    assert all(of.test["wavenet.mss.v1"] > 0 and len(of.examples) == 2 for of in record.rounds)
    assert record.rounds[0].macs_per_second == pytest.approx(85_324_000)
    assert [of.parameters for of in record.rounds] == sorted((of.parameters for of in record.rounds), reverse=True)


def test_the_folder_is_a_task_whatever_its_name():
    assert plugins.task("wavenet") is not None
    text = "".join(path.read_text() for path in Path(features.__file__).parent.glob("*.py"))
    assert "from tasks" not in text and "import tasks" not in text
