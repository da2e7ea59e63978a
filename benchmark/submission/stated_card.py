"""What every plugin says of itself."""

from __future__ import annotations

from benchmark.plugins import Plugin
from benchmark.submission.findings import Findings
from benchmark.task import Card

LONGEST = 120


def check_docstring(plugin: Plugin, found: Findings) -> None:
    """The first line of a docstring is what `list` prints."""
    line = plugin.summary
    if line == "(no docstring)" or line.startswith("broken: "):
        found.fail(str(plugin.source), line.strip("()"), "begin with a docstring: its first line is what `list` prints")
    elif not line.strip() or len(line) > LONGEST:
        found.fail(str(plugin.source), f"the docstring's first line has {len(line)} characters", "say it in 1 to 120")


def check_card(card: Card, where: str, found: Findings) -> None:
    """A card has a title, a source and a licence."""
    for name in ("title", "source", "licence"):
        value = getattr(card, name)
        found.require(
            isinstance(value, str) and bool(value.strip()),
            where,
            f"the card has no {name}",
            'who, what, where, year, or "unpublished"' if name == "source" else f"{name}=...",
        )
