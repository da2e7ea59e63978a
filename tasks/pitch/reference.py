"""The dense net against a classical method on the same frames: `python -m tasks.pitch.reference` prints it as JSON.

Mauch and Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold distributions", ICASSP 2014, as
librosa has it, with its defaults. It looks between the lowest and the highest pitch that the data have, and a semitone
beyond; whether its frame is the net's 64 ms or twice that is chosen on validation clips. Unlike the net it hears the
whole clip: it smooths over time by a hidden Markov model.

For the default data, both are also asked for the sounds of :mod:`benchmark.data.second_font`, where that is installed:
no sound of it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark import classical
from benchmark.classical import Both, compared
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.second_font import has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.digest import digest_arrays
from benchmark.task import Data, Evaluation, Profile
from benchmark.training import evaluate

from . import recordings, sounds, task
from .frames import Frames
from .model import FRAME, RATE
from .recordings import HOP
from .task import STRIDES

LENGTHS = (FRAME, 2 * FRAME)
TURNS = 4
"""Clips of every source of the second font."""
PRIMARY = task.metrics[0]

Range = tuple[float, float]


def track(audio: np.ndarray, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """What pYIN with frames of `length` samples says of int16 audio: Hz and voicing, (samples / HOP,) each."""
    import librosa

    hertz, voiced, _ = librosa.pyin(
        audio.astype(np.float32) / 32768,
        fmin=within[0], fmax=within[1], sr=RATE, frame_length=length, hop_length=HOP, fill_na=None,
    )  # fmt: skip
    frames = len(audio) // HOP
    return hertz[:frames], voiced[:frames]


def spanned(splits: Sequence[Frames]) -> Range:
    """Hz from the lowest to the highest pitch of the splits, and a semitone beyond."""
    hertz = np.concatenate([split.hertz[split.hertz > 0] for split in splits])
    return float(hertz.min()) * 2 ** (-1 / 12), float(hertz.max()) * 2 ** (1 / 12)


def guesses(split: Frames, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """Hz and voicing of the rows, from the cache where it has them."""
    audio = [split.audio(item) for item in range(len(split.sources))]
    spec = {
        "code": generator_digest(Path(__file__)),
        "audio": digest_arrays(audio),
        "frames": digest_arrays(split.frames),
        "of": [length, *within],
    }

    def build() -> dict[str, np.ndarray]:
        found = [track(sound, length, within) for sound in audio]
        return {
            name: np.concatenate([one[i][frames] for one, frames in zip(found, split.frames, strict=True)])
            for i, name in enumerate(("hertz", "voiced"))
        }

    arrays = cached_arrays("pitch-pyin", spec, build)
    return arrays["hertz"], arrays["voiced"]


def pyin(data: Data) -> tuple[int, Evaluation]:
    """The length that validation chose, and the scores on test."""
    train, validation, test = (_frames(split) for split in (data.train, data.validation, data.test))
    within = spanned([train, validation, test])

    def right(length: int) -> float:
        return task.score(validation, *guesses(validation, length, within)).scores[PRIMARY.id]

    length = max(LENGTHS, key=right)
    return length, task.score(test, *guesses(test, length, within))


def on_second_font() -> Frames:
    """Every source of the second font, none of the players that are no recordings: all of it is test."""
    other = font(second_font())
    clips = []
    for fold, sounding in enumerate(sounds.folds(other)):
        rendered = recordings.clips(other, fold, TURNS * len(sounding.numbers))
        clips.append(rendered.where(np.isin(rendered.sources, sounding.numbers[: len(sounding.sources)])))
    return Frames(clips, STRIDES["quick"][2])


def presets_only(both: Both) -> Both:
    """Both on the sources that are of the font, not of players that are no recordings."""
    kept = both.sources < sum(len(fold.sources) for fold in sounds.folds(font()))

    def of(found: Evaluation) -> Evaluation:
        items = {id_: {name: values[kept] for name, values in arrays.items()} for id_, arrays in found.items.items()}
        return Evaluation(task.scored(items), items)

    return Both(of(both.dense), of(both.classical), both.sources[kept])


def _frames(split: object) -> Frames:
    if not isinstance(split, Frames):
        raise TypeError("pitch is compared on the task's own splits")
    return split


def report(name: str, home: Path | None, profile: Profile, seeds: Sequence[int]) -> dict[str, object]:
    """All of it, JSON-ready."""
    found, others = [], []
    said: dict[str, object] = {}
    for seed in seeds:
        data = task.data(name, home, profile, seed)
        net = classical.dense(str(__package__).rpartition(".")[2], task, data, profile, seed)
        length, by_pyin = pyin(data)
        split = _frames(data.test)
        both = Both(evaluate(task, net, split), by_pyin, split.sources)
        scores = {"dense": classical.rounded(both.dense), "pyin": classical.rounded(both.classical)}
        said[f"seed {seed}"] = {"frame": length, **compared(PRIMARY, "pyin", [both]), "scores": scores}
        found.append(both)
        if name == "rendered" and has_second_font():
            there = on_second_font()
            heard = guesses(there, length, spanned([there]))
            others.append(Both(evaluate(task, net, there), task.score(there, *heard), there.sources))
    said["all seeds"] = compared(PRIMARY, "pyin", found)
    if name == "rendered":
        said["presets only"] = compared(PRIMARY, "pyin", [presets_only(both) for both in found])
        said["second font"] = compared(PRIMARY, "pyin", others) if others else "not installed"
    return said


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    options = classical.parser("tasks.pitch.reference", "The dense net against pYIN.", task).parse_args(arguments)
    return classical.printed(lambda: report(options.data, options.data_home, options.profile, options.seeds))


if __name__ == "__main__":
    raise SystemExit(main())
