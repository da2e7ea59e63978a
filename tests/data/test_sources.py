"""Presets that share samples are one source."""

from __future__ import annotations

from itertools import combinations

import pytest

from benchmark.data.soundfont import font
from benchmark.data.sources import joined, samples


def test_sources_share_no_sample_and_hold_every_preset() -> None:
    presets = tuple(range(80))
    groups = joined(font(), presets)
    assert sorted(p for group in groups for p in group) == list(presets)
    heard = [frozenset().union(*(samples(font(), p) for p in group)) for group in groups]
    for one, other in combinations(heard, 2):
        assert not one & other


def test_each_member_shares_a_sample_with_another() -> None:
    for group in joined(font(), range(80)):
        for preset in group:
            others = [samples(font(), p) for p in group if p != preset]
            assert len(group) == 1 or any(samples(font(), preset) & other for other in others)


def test_a_bridge_joins_what_it_shares_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets 1 and 2 share nothing; 3 shares a sample with each, wherever it stands in the order."""
    owned = {1: {10}, 2: {20}, 3: {10, 20}, 4: {40}}
    monkeypatch.setattr("benchmark.data.sources.samples", lambda font, preset: frozenset(owned[preset]))
    for order in ((1, 2, 3, 4), (3, 4, 2, 1), (4, 2, 3, 1)):
        assert joined(font(), order) == [(1, 2, 3), (4,)]
    assert joined(font(), (1, 2, 4)) == [(1,), (2,), (4,)]
