"""What a user asks for on the command line, checked at once: names and lists, each error one line with a guess."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from benchmark.errors import UsageError, did_you_mean


def names(text: str, known: Mapping[str, object], kind: str) -> list[str]:
    """Names with commas between, each once; `all` are all that are known.

    Raises
    ------
    UsageError
        There is no `kind` (as `task`) of a name.
    """
    if text == "all":
        return list(known)
    wanted = list(dict.fromkeys(text.split(",")))
    for name in wanted:
        if name not in known:
            raise UsageError(f"no {kind} {name!r}: {did_you_mean(name, known)}")
    return wanted


def require_known(value: str, known: Collection[str], option: str) -> None:
    """Hold the value of an option to those that there are.

    Raises
    ------
    UsageError
        It is none of them.
    """
    if value not in known:
        raise UsageError(f"{option} {value!r} is unknown: {did_you_mean(value, known)}")


def seeds(text: str) -> list[int]:
    """Seeds with commas between, each once.

    Raises
    ------
    UsageError
        Something is no whole number from 0 up.
    """
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [-1]
    if min(found) < 0:
        raise UsageError(f"--seeds {text!r}: give whole numbers from 0 up with commas between, as in 0,1,2")
    return list(dict.fromkeys(found))
