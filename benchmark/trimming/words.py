"""Names for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End of an error line: the nearest known name, else some of them."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}" if known else "there is none"


def group_name(modules: Sequence[str]) -> str:
    """Module names joined by '+', runs of numbers as '0..3', no more than three parts.

    >>> group_name(["front", "res.0", "res.1", "res.2"])
    'front+res.0..2'
    """
    runs: list[tuple[str, str]] = []  # first and last name of a run
    for module in (name or "model" for name in modules):
        if runs and _follows(runs[-1][1], module) and (runs[-1][0] == runs[-1][1] or _one_run(*runs[-1], module)):
            runs[-1] = runs[-1][0], module
        else:
            runs.append((module, module))
    parts = [_span(first, last) for first, last in runs]
    if len(parts) > 3:
        parts = [*parts[:2], f"{len(parts) - 2} more"]
    return "+".join(parts)


def module_of(tensor: str) -> str:
    """The module that a person would say a tensor belongs to.

    >>> module_of("conv.parametrizations.weight.original1")
    'conv'
    """
    module = tensor.rpartition(".")[0]
    return re.sub(r"(^|\.)parametrizations\.\w+$", "", module)


def unique(names: Sequence[str]) -> list[str]:
    """The names; the second of a kind gets '#2', and so on."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def _step(a: str, b: str) -> int | None:
    """Which number (counted from the left) is one higher in b, where all else is the same."""
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return None
    pairs = list(zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True))
    changed = [index for index, (x, y) in enumerate(pairs) if x != y]
    if len(changed) == 1 and int(pairs[changed[0]][1]) == int(pairs[changed[0]][0]) + 1:
        return changed[0]
    return None


def _follows(a: str, b: str) -> bool:
    return _step(a, b) is not None


def _one_run(first: str, last: str, following: str) -> bool:
    """Does the name carry on the run in the same number."""
    numbers = [_NUMBER.findall(name) for name in (first, last)]
    changed = [index for index, (x, y) in enumerate(zip(*numbers, strict=True)) if x != y]
    return changed == [_step(last, following)]


def _span(first: str, last: str) -> str:
    if first == last:
        return first
    ends = iter(zip(_NUMBER.findall(first), _NUMBER.findall(last), strict=True))

    def between(match: re.Match[str]) -> str:
        a, b = next(ends)
        return a if a == b else f"{a}..{b}"

    return _NUMBER.sub(between, first)
