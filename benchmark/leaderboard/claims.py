"""What the papers claim, each measured on every table that has what it takes; the claims are data, in `claims.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError, did_you_mean
from benchmark.hardware import paper
from benchmark.leaderboard.measures import MEASURES, Measured, Verdict
from benchmark.leaderboard.runs import Bench, Rules


@dataclass(frozen=True)
class Claim:
    """A row of `claims.toml`, where the fields are explained."""

    text: str
    paper: str
    measure: str = ""
    method: str = ""
    over: tuple[str, ...] = ()
    removed: float = 1.0
    start: float = 0.0
    """`from` in the file."""
    to: float = 1.0
    factor: float = 1.0
    platform: str = ""
    within_tolerance: bool = False
    """Not worse by more than the tolerance is enough."""
    less: bool = False
    """The claim is that the method is worse."""
    why: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Methods that a table must have in full."""
        return (self.method, *self.over)


@dataclass(frozen=True)
class Finding:
    """A claim on one bench, judged."""

    table: int
    """Number of the bench, from 0."""
    measured: Measured
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """A claim over all benches."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """One verdict where all benches agree, else how many have which; `not measured yet` where none has it."""
        if not self.findings:
            return "not measured" if self.claim.why else "not measured yet"
        said = [f.verdict for f in self.findings]
        if len(set(said)) == 1:
            return said[0]
        kinds: tuple[Verdict, ...] = ("held", "contradicted", "cannot be told")
        return ", ".join(f"{kind} in {said.count(kind)}" for kind in kinds if kind in said)


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """The claims, in the order of the file.

    Raises
    ------
    UsageError
        An entry names a field or a measure that does not exist.
    """
    return read(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))


def read(content: Mapping[str, object]) -> tuple[Claim, ...]:
    """Claims from the content of the file. Raises as `claims`."""
    entries = content.get("claim")
    if not isinstance(entries, list):
        raise UsageError("claims.toml has no list [[claim]]")
    found = []
    names = {f.name: f for f in fields(Claim)}
    for entry in entries:
        known: dict[str, Any] = {
            "start" if key == "from" else key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()
        }
        if wrong := sorted(set(known) - set(names)):
            raise UsageError(f"claims.toml: {entry.get('text')!r} has unknown fields: {', '.join(wrong)}")
        claim = Claim(**known)
        if claim.measure and claim.measure not in MEASURES:
            raise UsageError(f"claims.toml: no measure {claim.measure!r}: {did_you_mean(claim.measure, MEASURES)}")
        if claim.platform and claim.platform not in paper.platforms():
            known = paper.platforms()
            raise UsageError(f"claims.toml: no platform {claim.platform!r}: {did_you_mean(claim.platform, known)}")
        if not claim.measure and not claim.why:
            raise UsageError(f"claims.toml: {claim.text!r} needs `measure`, or `why` there is none")
        found.append(claim)
    return tuple(found)


def measured(bench: Bench, rules: Rules, whole: Sequence[str]) -> tuple[Measured, ...]:
    """Every claim that a bench can measure, with the methods that are complete on the same data for all its seeds.

    Raises
    ------
    RecordError
        Two records contradict each other.
    """
    found = []
    for claim in claims():
        if claim.measure and all(method in whole for method in claim.needs):
            result = MEASURES[claim.measure](bench, rules, claim)
            found += [result] if result else []
    return tuple(found)


def judged(benches: Sequence[Sequence[Measured]]) -> tuple[Judged, ...]:
    """Every claim over all benches, each what was measured there; the benches of a claim are one family."""
    rows = []
    for claim in claims():
        here = [(table, m) for table, found in enumerate(benches) for m in found if m.claim == claim]
        rows.append(Judged(claim, tuple(Finding(table, m, m.verdict(len(here))) for table, m in here)))
    return tuple(rows)
