"""Labels against mir_eval, and progressions."""

from __future__ import annotations

from itertools import combinations, islice, pairwise

import mir_eval
import numpy as np
import pytest

from tasks.chords.harmony import (
    CLASS_LABELS,
    CODE_CLASSES,
    FAMILIES,
    LABELS,
    NO_CHORD,
    OUT,
    QUALITIES,
    Chord,
    Family,
    chords,
    code,
    roman,
)
from tasks.chords.piece import FRAMES, compose

EVERY_CHORD = [Chord(root, quality) for quality in QUALITIES for root in range(12)]


@pytest.mark.parametrize("chord", EVERY_CHORD, ids=lambda c: c.label)
def test_a_label_means_the_same_notes_in_mir_eval(chord: Chord) -> None:
    root, bitmap, _ = mir_eval.chord.encode(chord.label)
    notes = {(root + step) % 12 for step in np.flatnonzero(bitmap)}
    assert root == chord.root
    assert set(chord.pitch_classes) == notes


def test_classes_are_the_ones_that_mir_eval_hears() -> None:
    """The class of a label is the answer that `majmin` accepts; out of the classes means never compared."""
    for place, label in enumerate(LABELS):
        verdicts = mir_eval.chord.majmin([label] * 25, list(CLASS_LABELS))
        if CODE_CLASSES[place] == OUT:
            assert (verdicts == -1).all()
        else:
            assert np.flatnonzero(verdicts == 1).tolist() == [CODE_CLASSES[place]]


def test_codes_point_at_labels() -> None:
    assert [LABELS[code(c)] for c in EVERY_CHORD] == [c.label for c in EVERY_CHORD]
    assert LABELS[code(None)] == "N"
    assert CODE_CLASSES[code(None)] == NO_CHORD == CLASS_LABELS.index("N")


@pytest.mark.parametrize(
    ("numeral", "tonic", "label"),
    [
        ("I", 0, "C:maj"),
        ("vi", 0, "A:min"),
        ("bVII", 2, "C:maj"),
        ("V7", 5, "C:7"),
        ("ii7", 10, "C:min7"),
        ("Imaj7", 11, "B:maj7"),
        ("viio", 1, "C:dim"),
        ("Vsus4", 5, "C:sus4"),
        ("bII7", 11, "C:7"),
    ],
)
def test_roman_numerals(numeral: str, tonic: int, label: str) -> None:
    assert roman(numeral, tonic).label == label


@pytest.mark.parametrize("numeral", ["", "H", "iV", "Vsus2", "VIII"])
def test_what_is_no_numeral_is_refused(numeral: str) -> None:
    with pytest.raises(ValueError, match="not a roman numeral"):
        roman(numeral)


def necklace(template: str) -> tuple[tuple[int, int], ...]:
    """A cyclic progression whatever its key and its first chord: root steps and classes of triads, smallest turn."""
    cycle = [roman(numeral) for numeral in template.split()]
    cycle = [c for c, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True) if c != after] or cycle[:1]
    kinds = [-1 if c.number == OUT else c.number // 12 for c in cycle]
    steps = [(b.root - a.root) % 12 for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    turns = [tuple(zip(steps[i:] + steps[:i], kinds[i:] + kinds[:i], strict=True)) for i in range(len(cycle))]
    return min(turns)


def test_a_progression_belongs_to_one_family() -> None:
    """No template is another family's in another key, from another chord on, or with its sevenths left out."""
    for one, other in combinations(FAMILIES, 2):
        shared = {necklace(t) for t in one.templates} & {necklace(t) for t in other.templates}
        assert not shared, f"{one.name} and {other.name}"


def test_the_necklace_sees_through_key_and_turn() -> None:
    assert necklace("I V vi IV") == necklace("vi IV I V") == necklace("i bVI bIII bVII")
    assert necklace("I V vi IV") != necklace("I IV vi V")


def test_there_are_enough_families() -> None:
    assert len({f.name for f in FAMILIES}) == len(FAMILIES)
    assert sum(bool(f.templates) for f in FAMILIES) >= 12
    assert sum(not f.templates for f in FAMILIES) == 5


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_neighbours_differ_and_pieces_fill_the_clip(family: Family) -> None:
    rng = np.random.default_rng(1)
    walk = list(islice(chords(family, 3, rng), 40))
    assert all(a != b for a, b in pairwise(walk))
    for _ in range(20):
        piece = compose(family, rng)
        edges = [s.start for s in piece.segments] + [piece.segments[-1].end]
        assert (edges[0], edges[-1]) == (0, FRAMES)
        assert edges == sorted(set(edges))
        assert piece.codes().shape == (FRAMES,)


def test_a_template_is_played_in_every_key() -> None:
    rng = np.random.default_rng(0)
    roots = {next(chords(FAMILIES[0], int(rng.integers(12)), rng)).root for _ in range(200)}
    assert roots == set(range(12))
