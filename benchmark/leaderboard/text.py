"""Figures and foreign text as markdown, in fixed formats."""

from __future__ import annotations

import math
import re

from benchmark.leaderboard.statistics import Interval

MAX_TEXT = 300
NOTHING = "–"  # noqa: RUF001 - a dash, as tables have it


def decimals(tolerance: float) -> int:
    """One digit finer than the tolerance, which is what a difference is held against."""
    return min(6, max(0, 1 - math.floor(math.log10(tolerance)))) if tolerance > 0 else 4


def number(value: float, places: int) -> str:
    """A fixed number of places, never a negative zero."""
    return f"{round(value, places) + 0.0:.{places}f}"


def signed(value: float, places: int) -> str:
    """The same with its sign."""
    return f"{round(value, places) + 0.0:+.{places}f}"


def score(interval: Interval, places: int) -> str:
    """`0.971 [0.962, 0.979]`."""
    return f"{number(interval.value, places)} [{number(interval.low, places)}, {number(interval.high, places)}]"


def change(interval: Interval, places: int) -> str:
    """`+0.012 [-0.003, +0.027]`."""
    return f"{signed(interval.value, places)} [{signed(interval.low, places)}, {signed(interval.high, places)}]"


def amount(value: float) -> str:
    """Three significant digits with an SI prefix: `79.1 k`."""
    for prefix, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        # What rounds up to the next unit is written in it.
        if value >= unit * 0.9995:
            return f"{value / unit:#.3g}".rstrip(".") + f" {prefix}"
    return f"{value:.0f}"


def percent(fraction: float) -> str:
    """`94.2 %`, with a second decimal where one would hide the rest: `99.53 %`."""
    if fraction in (0, 1):
        return f"{100 * fraction:.0f} %"
    return f"{100 * fraction:.{2 if min(fraction, 1 - fraction) < 0.0995 else 1}f} %"


_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MARKUP = re.compile(
    r"[&<>|`*\\~$#@]"
    r"|\](?=[(\[:])"  # the hinge of a link
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # inside a word it is no markup
    r"|:(?=//)|(?<=w)\.(?=\S)"  # addresses become links by themselves
)


def safe(text: str) -> str:
    """Text from a record or a machine so that markdown and HTML show it as it is, on one line.

    What could be markup is written as an entity, which holds inside table cells too.
    """
    line = _BLANKS.sub(" ", text).strip().encode("utf-8", "replace").decode()
    line = line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
    return _MARKUP.sub(lambda mark: f"&#{ord(mark.group())};", line)
