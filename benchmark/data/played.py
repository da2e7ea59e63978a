"""Single notes that were played: Philharmonia, NSynth and TinySOL, from the folder where a user has them.

Split as rendered ones are (:mod:`benchmark.data.tones`): by source, which is an instrument, and by pitch. NSynth's own
parts keep instruments apart, so there only pitches are dealt. The pitch of a note is what a tracker hears; where that
is not what the name says, the note is listed as missing: octave errors of names, and of the tracker, are both in it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.audio import tracker
from benchmark.data import mirsets, notes, nsynth, recordings
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.recordings import UnusableError
from benchmark.data.splits import SIDES, Side
from benchmark.data.tones import FOLDS, RATE, Dealt, Sides, Tones, shuffled
from benchmark.digest import digest_json
from benchmark.errors import DataError
from benchmark.task import DataSet, Mirdata

PHILHARMONIA = DataSet(
    "philharmonia",
    "Philharmonia Orchestra sound samples: single notes of 12 instruments",
    "free to use, also commercially; not to be sold or passed on as samples",
    needs_home=True,
    layout="download the sound samples from the Philharmonia Orchestra's web site and give --data-home DIR with"
    " DIR/audio/<instrument>/<instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3",
)
NSYNTH = DataSet(
    "nsynth",
    "NSynth: single notes of 1,006 instruments, ten of each (Engel et al., ICML 2017)",
    "CC BY 4.0",
    needs_home=True,
    layout=nsynth.LAYOUT,
)
TINYSOL = DataSet(
    "tinysol",
    "TinySOL: 2,913 single notes of 14 instruments (Cella et al., 2020)",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("tinysol", files=("audio",)),
)
DATASETS = (PHILHARMONIA, NSYNTH, TINYSOL)

INSTRUMENTS = (
    *("clarinet", "flute", "cello", "oboe", "saxophone", "double bass", "trombone", "bassoon", "french horn"),
    *("contrabassoon", "cor anglais", "bass clarinet"),
)
"""Of the Philharmonia, as they are dealt into folds: a high and a low one in each. Each has one player."""
ARTICULATIONS = ("normal", "arco-normal")
KEYS = (36, 96)
"""65 to 2,093 Hz: what the tracker hears well at 16 kHz."""
OFF = 60.0
"""Cents from its name at which a note may sound: saxophones are played that far off."""
LEAST_VOICED = 5
"""Frames of 32 ms in which the tracker must hear a pitch."""
ONSET = 40.0
"""dB below the loudest 10 ms where a note begins."""

_NAME = re.compile(r"([a-z-]+)_([A-G])(s?)(\d)_([a-z0-9-]+)_([a-z-]+)_([a-z0-9-]+)\.mp3")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Take:
    """A recording of one note."""

    name: str
    path: Path
    key: int
    """MIDI, by its name."""
    source: str
    rate: int
    side: Side | None = None
    """Where the published split puts it; None: where its source is dealt."""


@dataclass(frozen=True)
class Found:
    """What a folder has."""

    takes: Sequence[Take]
    sources: Sequence[str]
    """In the order in which they are dealt; a source's place is its number."""
    missing: Sequence[str]
    not_used: Mapping[str, int]


def load(name: str, home: Path | None, seconds: float, counts: Mapping[Side, int], seed: int) -> Sides:
    """Notes of one of `DATASETS` by side; as :func:`benchmark.data.tones.rendered`.

    Raises
    ------
    DataError
        The folder is absent, or a side has no usable note.
    """
    finders: dict[str, Callable[[Path | None], Found]] = {
        "philharmonia": find_philharmonia, "nsynth": find_nsynth, "tinysol": find_tinysol,
    }  # fmt: skip
    found, dealt = finders[name](home), Dealt(seed % FOLDS)
    chosen = {side: choose(found, dealt, side, counts[side]) for side in SIDES}
    every = [take for takes in chosen.values() for take in takes]
    digests, unread = recordings.sort_out(every, lambda take: recordings.digest(take.path))
    copies = recordings.same_bytes(digests)
    missing = [*found.missing, *(reason.split(": ", 1)[-1] for reason in unread)]
    missing += [f"{take.name}: the same bytes as {other.name}" for take, other in copies.items()]
    sides: dict[Side, Tones] = {}
    facts: dict[str, object] = {}
    for side, takes in chosen.items():
        usable = {take: digests[take] for take in takes if take in digests and take not in copies}
        sides[side], unusable = _tones(usable, found.sources, seconds)
        missing += unusable
        if not len(sides[side].midi):
            layout = next(data.layout for data in DATASETS if data.name == name)
            raise DataError(f"{home} has no usable note for {side}; {layout}")
        heard = np.unique(sides[side].sources).tolist()
        facts[side] = {"notes": len(sides[side].midi), "sources": [found.sources[n] for n in heard]}
    content = {side: [digests[take] for take in takes if take in digests] for side, takes in chosen.items()}
    digest = digest_json({"content": content, "seconds": seconds, "code": generator_digest(Path(__file__), tracker)})
    return Sides(sides, digest, {**facts, "missing": missing, "not_used": dict(found.not_used)})


def choose(found: Found, dealt: Dealt, side: Side, count: int) -> list[Take]:
    """About `count` takes of a side, as many of each of its sources as there are, at keys of the side."""
    here: dict[str, list[Take]] = defaultdict(list)
    by_name = {take.name: take for take in found.takes}
    for name in shuffled(list(by_name)):
        take = by_name[name]
        placed = take.side or dealt.side(found.sources.index(take.source) % FOLDS)
        if placed == side and dealt.side(take.key % FOLDS) == side:
            here[take.source].append(take)
    each = -(-count // max(1, len(here)))
    return [take for source in sorted(here) for take in here[source][:each]]


def find_philharmonia(home: Path | None) -> Found:
    """Notes that are played normally; names say instrument and pitch."""
    home = folder(PHILHARMONIA, home)
    root = home / "audio" if (home / "audio").is_dir() else home
    takes, missing, not_used = [], [], Counter[str]()
    for path in sorted(root.glob("*/*.mp3")):
        match = _NAME.fullmatch(path.name)
        instrument = _instrument(path.parent.name)
        if match is None or _instrument(match[1]) != instrument:
            missing.append(f"{path.name}: not named after its instrument {path.parent.name} and a note")
        elif instrument not in INSTRUMENTS:
            not_used[f"notes of {instrument}"] += 1
        elif match[7] not in ARTICULATIONS:
            not_used["notes of other articulations"] += 1
        else:
            key = 12 * (int(match[4]) + 1) + _SEMITONES[match[2]] + len(match[3])
            takes.append(Take(path.name, path, key, instrument, 44_100))
    return _heard(takes, INSTRUMENTS, missing, not_used)


def find_nsynth(home: Path | None) -> Found:
    """Ten notes of every instrument in the published parts, which share no instrument with training."""
    found = nsynth.find(folder(NSYNTH, home))
    takes = [Take(note.name, note.path, note.key, note.instrument, RATE, note.side) for note in found.notes]
    sources = sorted({take.source for take in takes})
    return _heard(takes, sources, found.missing, Counter(found.not_used))


def find_tinysol(home: Path | None) -> Found:
    """All notes that mirdata lists and that are there."""
    opened = mirsets.opened(TINYSOL, home)
    absent = opened.absent()
    missing = [f"{track}: {', '.join(files)} not there" for track, files in absent.items()]
    try:
        takes = [
            Take(name, Path(track.audio_path), int(track.pitch_id), str(track.instrument_abbr), 44_100)
            for name, track in opened.tracks().items()
            if name not in absent
        ]
    except FileNotFoundError as error:
        where = error.filename or error
        raise DataError(f"{TINYSOL.name} lacks its table {where}; {mirsets.how_to_get(TINYSOL)}") from error
    return _heard(takes, sorted({take.source for take in takes}), missing, Counter())


def _instrument(name: str) -> str:
    name = name.replace("-", " ").lower()
    return "cor anglais" if name == "english horn" else name


def excerpt(take: Take, seconds: float) -> tuple[np.ndarray, float]:
    """(samples,) int16 at `RATE`, from where the note begins, and its pitch in semitones as heard.

    Raises
    ------
    UnusableError
        It cannot be read, or does not sound as its name says.
    """
    sound = notes.resample(recordings.mono(take.path, take.rate), take.rate, RATE).astype(np.float64)
    hop = RATE // 100
    level = np.abs(sound[: max(hop, len(sound) // hop * hop)].reshape(-1, hop)).max(1)
    begins = int(np.argmax(level >= level.max() * 10 ** (-ONSET / 20)))
    count = round(seconds * RATE)
    sound = sound[max(0, begins - 1) * hop :][:count]
    sound = np.pad(sound, (0, count - len(sound)))
    heard = tracker.track(sound[None], RATE)
    voiced = heard.hertz[heard.voiced]
    if len(voiced) < LEAST_VOICED:
        raise UnusableError(f"{take.name}: no pitch is heard in it")
    midi = float(np.median(69 + 12 * np.log2(voiced / 440)))
    if abs(midi - take.key) * 100 > OFF:
        raise UnusableError(f"{take.name}: named as key {take.key}, heard at {midi:.1f}")
    return notes.to_int16(np.clip(sound, -1, 1)), midi


def _tones(digests: Mapping[Take, str], sources: Sequence[str], seconds: float) -> tuple[Tones, list[str]]:
    """Excerpts, from the cache where it has them, and why others cannot be used."""
    takes, count = list(digests), round(seconds * RATE)
    spec = {
        "code": generator_digest(Path(__file__), tracker, notes, recordings),
        "takes": [[digest, take.key] for take, digest in digests.items()],
        "seconds": seconds,
    }

    def build() -> dict[str, np.ndarray]:
        audio, midi = np.zeros((len(takes), count), np.int16), np.full(len(takes), np.nan)
        for i, take in enumerate(takes):
            try:
                audio[i], midi[i] = excerpt(take, seconds)
            except UnusableError:
                continue
        return {"audio": audio, "midi": midi}

    arrays = cached_arrays("played-tones", spec, build)
    good = np.isfinite(arrays["midi"])
    reasons = list(_reasons([take for take, ok in zip(takes, good, strict=True) if not ok], seconds))
    numbers = np.array([sources.index(take.source) for take in takes], np.int64)
    return Tones(arrays["audio"][good], arrays["midi"][good], numbers[good]), reasons


def _reasons(takes: Sequence[Take], seconds: float) -> Iterator[str]:
    for take in takes:
        try:
            excerpt(take, seconds)
        except UnusableError as reason:
            yield str(reason)


def _heard(takes: Sequence[Take], sources: Sequence[str], missing: Sequence[str], not_used: Counter[str]) -> Found:
    """Without the keys that are not asked for."""
    usable = [take for take in takes if KEYS[0] <= take.key <= KEYS[1]]
    if len(usable) < len(takes):
        not_used[f"notes outside of keys {KEYS[0]} to {KEYS[1]}"] = len(takes) - len(usable)
    return Found(usable, tuple(sources), tuple(missing), dict(not_used))


def folder(data: DataSet, home: Path | None) -> Path:
    """The folder of a data set that needs one.

    Raises
    ------
    DataError
        It was not said, or is not there.
    """
    if home is None:
        raise DataError(f"the data set {data.name} needs recordings; {data.layout}")
    if not home.is_dir():
        raise DataError(f"no folder {home}; {data.layout}")
    return home
