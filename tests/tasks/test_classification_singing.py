"""Synthetic singers: that a technique is what it is called, measured on curves and on sound."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.signal import find_peaks

from tasks.classification import glottis, reference, singers, singing, task, techniques, tract
from tasks.classification.clips import SIDES
from tasks.classification.techniques import RATE, SECONDS, TECHNIQUES, Voice

TIME = np.arange(round(SECONDS * RATE)) / RATE


def voices(technique: str, count: int = 20) -> list[Voice]:
    return [
        techniques.perform(technique, singers.singer(number), np.random.default_rng([9, number]))
        for number in range(count)
    ]


def oscillation(key: np.ndarray, lowest: float, highest: float) -> tuple[float, float]:
    """Rate (Hz) and half the span (semitones) of a curve's strongest regular motion within those rates."""
    part = key[len(key) // 3 :]
    part = (part - np.polyval(np.polyfit(np.arange(len(part)), part, 2), np.arange(len(part)))) * np.hanning(len(part))
    spectrum = np.abs(np.fft.rfft(part, 8 * len(part))) * 4 / len(part)
    hertz = np.fft.rfftfreq(8 * len(part), 1 / RATE)
    inside = (hertz > lowest) & (hertz < highest)
    best = np.argmax(np.where(inside, spectrum, 0))
    return float(hertz[best]), float(spectrum[best])


def test_the_classes_are_the_papers() -> None:
    assert singing.CLASSES == (
        "vibrato", "straight", "breathy", "vocal_fry", "lip_trill", "trill", "trillo", "inhaled", "belt", "spoken",
    )  # fmt: skip


@pytest.mark.parametrize("rd", [0.3, 0.7, 1.0, 1.7, 2.7])
def test_a_pulse_ends_the_flow_where_it_began(rd: float) -> None:
    shape = glottis._shape(round(100 * rd))
    assert abs(shape[:-1].sum()) < 1e-9
    flow = np.cumsum(shape[:-1]) / glottis.POINTS
    assert flow.max() > 0 and abs(flow[-1]) < 1e-9
    assert shape.min() == pytest.approx(-1, abs=0.02), "the deepest point is the moment of closure"
    assert shape.max() < -shape.min()


def test_lax_pulses_have_a_stronger_fundamental() -> None:
    """H1 - H2 grows with Rd: Fant (1995) gives about 11 dB from 0.3 to 2.7, and more for the upper partials."""
    partials = [np.abs(np.fft.rfft(glottis._shape(round(100 * rd))[:-1])) for rd in (0.3, 1.0, 2.7)]
    tilts = [20 * np.log10(p[1] / p[2]) for p in partials]
    assert tilts[0] < tilts[1] < tilts[2]
    assert tilts[2] - tilts[0] > 8
    high = [20 * np.log10(p[1] / p[20]) for p in partials]
    assert high[0] < high[1] < high[2]


def test_pulses_come_as_often_as_asked() -> None:
    hertz = np.full(RATE, 110.0)
    wave = glottis.pulses(hertz, 1.0, np.ones(200), RATE)
    closures, _ = find_peaks(-wave, height=0.9, distance=RATE // 220)
    assert len(closures) in (109, 110)
    assert np.diff(closures).std() < 1
    every_second = np.tile([0.5, 1.0], 100)
    weaker = glottis.pulses(hertz, 1.0, every_second, RATE)
    depths = -weaker[closures]
    assert np.allclose(sorted(set(depths.round(1))), [0.5, 1.0])


def test_resonators_stand_where_they_are_put() -> None:
    formants, widths = np.array([500.0, 1500.0, 2500.0, 3500.0, 4500.0]), np.full(5, 60.0)
    click = np.zeros(RATE)
    click[0] = 1
    spectrum = np.abs(np.fft.rfft(tract.speak(click, formants, widths, RATE)))
    peaks, _ = find_peaks(spectrum[:5000])
    assert np.abs(peaks[:5] - formants).max() < 30
    assert spectrum[0] == pytest.approx(1, abs=0.01)
    moving = tract.speak(click, np.tile(formants, (50, 1)), widths, RATE)
    np.testing.assert_allclose(moving, tract.speak(click, formants, widths, RATE), atol=1e-12)


def test_vibrato_is_4_to_7_times_a_second_and_straight_is_not() -> None:
    """A leap of the melody hides the vibrato of a few clips from this measurement; hence medians."""
    swings = [oscillation(voice.key, 3, 9) for voice in voices("vibrato")]
    assert 4.5 < np.median([rate for rate, _ in swings]) < 6.8
    assert 0.3 < np.median([extent for _, extent in swings]) < 1.2
    held = [extent for _, extent in (oscillation(voice.key, 3, 9) for voice in voices("straight"))]
    assert np.median(held) < 0.2


def test_a_trill_goes_between_two_notes() -> None:
    swings = [oscillation(voice.key, 3, 9) for voice in voices("trill")]
    assert 4.5 < np.median([rate for rate, _ in swings]) < 7
    assert 0.4 < np.median([extent for _, extent in swings]) < 1.4


def test_a_trillo_strikes_one_note_again_and_again() -> None:
    for voice in voices("trillo"):
        strokes, _ = find_peaks(voice.level, prominence=0.3)
        assert 4 <= len(strokes) <= 16
        assert voice.level[strokes].mean() > 2 * voice.level[(strokes[:-1] + strokes[1:]) // 2].mean()


def test_fry_is_slower_and_rougher_than_any_tone() -> None:
    roughest = max(voice.jitter for voice in voices("straight"))
    for voice in voices("vocal_fry"):
        hertz = 440 * 2 ** ((voice.key - 69) / 12)
        assert 15 < hertz.mean() < 110
        assert voice.jitter >= 0.04 > 2 * roughest


def test_lips_flap_before_a_nearly_shut_tract() -> None:
    for voice in voices("lip_trill"):
        assert voice.lips is not None
        shut, _ = find_peaks(-voice.lips, prominence=0.2)
        assert 12 * SECONDS < len(shut) < 42 * SECONDS
        assert voice.formants[0] < 350


def test_breath_belongs_to_breathy_and_inhaled() -> None:
    loud = {name: np.median([v.breath.mean() for v in voices(name)]) for name in ("straight", "breathy", "inhaled")}
    assert loud["breathy"] > 4 * loud["straight"]
    assert loud["inhaled"] > 4 * loud["straight"]
    assert min(v.rd for v in voices("breathy")) > max(v.rd for v in voices("belt"))


def test_belt_is_high_in_the_range_with_a_raised_first_formant() -> None:
    belted, straight = voices("belt"), voices("straight")
    assert np.mean([v.formants[0] for v in belted]) > 1.05 * np.mean([v.formants[0] for v in straight])
    assert max(v.rd for v in belted) <= 0.85


def test_speech_never_rests() -> None:
    for voice in voices("spoken"):
        assert voice.formants.ndim == 2
        moved = np.abs(np.diff(voice.formants[:, 1])).sum()
        assert moved > 200
        assert voice.level.min() < 0.8


def test_breath_is_heard_as_noise_and_pressed_voice_as_high_partials() -> None:
    """On sound: periodicity falls with breath, and energy above 2 kHz rises with a pressed glottis."""

    def sound(technique: str, number: int) -> np.ndarray:
        of, rng = singers.singer(number), np.random.default_rng([9, number])
        return singing.synthesise(techniques.perform(technique, of, rng), of, rng)

    def bright(wave: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(wave)) ** 2
        hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
        return float(power[(hertz > 2000) & (hertz < 6000)].sum() / power.sum())

    belt, straight = (np.median([bright(sound(name, n)) for n in range(12)]) for name in ("belt", "straight"))
    assert belt > straight

    def flat(wave: np.ndarray) -> float:
        part = wave[RATE // 4 : RATE]
        band = np.abs(np.fft.rfft(part * np.hanning(len(part))))[400:2000] ** 2
        return float(np.exp(np.log(band).mean()) / band.mean())

    breathy = np.median([flat(sound("breathy", n)) for n in range(12)])
    assert breathy > 1.5 * np.median([flat(sound("straight", n)) for n in range(12)])


def test_a_clip_depends_on_its_singer_and_technique_alone() -> None:
    first = singing.render(4, "belt")
    singing.render(5, "trill")
    assert np.array_equal(first, singing.render(4, "belt"))
    assert not np.array_equal(first, singing.render(5, "belt"))
    assert first.dtype == np.int16
    assert singers.singer(7) == singers.singer(7) != singers.singer(8)


def test_three_seeds_test_every_singer_once() -> None:
    for number in range(36):
        assert [singing.assign(number, seed) for seed in range(3)].count("test") == 1
        assert singing.assign(number, 0) == singing.assign(number, 3)


def test_no_singer_and_no_audio_is_on_two_sides() -> None:
    data = task.data("singing", None, "smoke", 0)
    parts = [data.train, data.validation, data.test]
    sources = [set(part.sources.tolist()) for part in parts]
    assert sum(map(len, sources)) == len(set.union(*sources)) == singing.SINGERS["smoke"]
    arrays = singing.sung(singing.SINGERS["smoke"])
    audio = [{bytes(row) for row in arrays["sha256"][part.index]} for part in parts]
    assert sum(map(len, audio)) == len(set.union(*audio)) == sum(map(len, parts))
    for side, part in zip(SIDES, parts, strict=True):
        assert np.bincount(part.labels, minlength=len(TECHNIQUES)).tolist() == [len(set(part.sources.tolist()))] * 10
        rule = data.manifest["splits"][side]["singers"]  # type: ignore[index]
        assert {n for n in range(15) if _obeys(n, rule)} == set(part.sources.tolist())


def test_the_comparison_has_both_methods_on_the_same_test_sets(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--data", "singing", "--profile", "smoke"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mean"].pop("sources") == [5, 5, 5]
    for row in found["seeds"].values():
        assert row["test sources"] == 5
        assert 0 <= row["dense"]["classification.macro_f1.v1"] <= 1
        assert set(row["standard error"]) == {"dense", "regression"}
    assert set(found["together"]) == {"dense", "regression"}, "three seeds test every singer once"
    assert "second font" not in found
    means = {name: summary["value"] for name, summary in found["mean"].items()}
    assert means["lead"] == pytest.approx(means["dense"] - means["regression"], abs=2e-4)
    for summary in found["mean"].values():
        assert summary["low"] <= summary["value"] <= summary["high"]


def _obeys(n: int, rule: str) -> bool:
    """Whether the manifest's words are what the split does."""
    condition = rule.split("with ")[1].replace("mod", "%").replace("!=", "<>").replace("=", "==").replace("<>", "!=")
    return all(_holds(n, part) for part in condition.split(" and "))


def _holds(n: int, part: str) -> bool:
    words = part.split()
    value = n
    for operator, number in zip(words[1:-2:2], words[2:-2:2], strict=True):
        value = value // int(number) if operator == "//" else value % int(number)
    return (value == int(words[-1])) == (words[-2] == "==")
