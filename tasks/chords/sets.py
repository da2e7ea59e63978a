"""What recorded data sets there are, where their files lie, and which split is theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data import splits
from benchmark.data.splits import Manifest
from benchmark.task import DataSet, Mirdata


@dataclass(frozen=True)
class RealSet:
    """What the harness, mirdata and the split say of a data set together.

    Attributes
    ----------
    data : DataSet
    split : str
        Digest of its manifest.
    audio : str
        Which of the files that are read is the recording.
    chords : callable
        A track's chords, as mirdata reads them.
    """

    data: DataSet
    split: str
    audio: str
    chords: Callable[[Any], Any]


SETS: Mapping[str, RealSet] = {
    real.data.name: real
    for real in (
        RealSet(
            DataSet(
                "guitarset",
                "GuitarSet: 180 accompaniments by six guitarists, chords as performed (Xi et al., ISMIR 2018)",
                "MIT",
                needs_home=True,
                mirdata=Mirdata(
                    "guitarset", remotes=("annotations", "audio_mic"), files=("audio_mic", "jams"), tracks="_comp$"
                ),
                layout="unpack, from zenodo.org/records/3371780, annotation.zip as DIR/annotation/*.jams and"
                " audio_mono-mic.zip as DIR/audio_mono-mic/*.wav",
            ),
            "8c7b2a70f3493b319bb377eb6e86884586bcbe98481c65200535036fc47ff93c",
            "audio_mic",
            lambda track: track.inferred_chords,
        ),
        RealSet(
            DataSet(
                "beatles",
                "The Beatles: 180 songs of 12 albums, chords by Harte (isophonics.net)",
                "annotations: not stated; the recordings are commercial",
                needs_home=True,
                mirdata=Mirdata("beatles", remotes=("annotations",), files=("audio", "chords"), own=("audio",)),
                layout="put your own CDs as DIR/audio/ALBUM/SONG.wav, with names as below"
                " DIR/annotations/chordlab/The Beatles/",
            ),
            "c23ef29c484845b1c1ea76e6a9dbf8084315aaca3855f4eb612bae20b3122c5a",
            "audio",
            lambda track: track.chords,
        ),
        RealSet(
            DataSet(
                "queen",
                "Queen: 20 songs of two compilations, chords by Mauch et al. (isophonics.net)",
                "annotations: not stated; the recordings are commercial",
                needs_home=True,
                mirdata=Mirdata("queen", remotes=("annotations",), files=("audio", "chords"), own=("audio",)),
                layout="put your own CDs as DIR/audio/Greatest Hits I/01 Bohemian Rhapsody.flac and so on, with names"
                " as below DIR/annotations/chordlab/Queen/",
            ),
            "ded0b04617fe0daec59c016dd2b9b8b55fc1dccbc967fa7e0af17854d9cb4a21",
            "audio",
            lambda track: track.chords,
        ),
        RealSet(
            DataSet(
                "billboard",
                "McGill Billboard: 890 chart slots of 420 artists (Burgoyne, Wild, Fujinaga, ISMIR 2011)",
                "annotations: CC0; the recordings are commercial",
                needs_home=True,
                mirdata=Mirdata("billboard", remotes=("annotation_lab",), files=("audio", "lab_full"), own=("audio",)),
                layout="put your own recordings as DIR/audio/DECADE/ARTIST/TITLE/audio.flac, with names as"
                " mirdata's index has them (`prepare` lists those that are missing)",
            ),
            "f1f0ac93291a176d8756646491abfc7c712c594ff71b19f8f833bf87e17b5bc0",
            "audio",
            lambda track: track.chords_full,
        ),
    )
}


def manifest(name: str) -> Manifest:
    """The split of a data set."""
    return splits.read(Path(__file__).with_name("splits") / f"{name}.json", SETS[name].split)
