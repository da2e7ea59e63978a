"""What is wrong with something submitted: one line each, all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmark.errors import BenchError

MAX_TEXT = 400
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


@dataclass(frozen=True)
class Finding:
    """One failure."""

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return plain(f"{self.where}: {self.what}{f'; {self.mend}' if self.mend else ''}")


@dataclass
class Findings:
    """Failures and remarks, in the order in which they were found."""

    failures: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is no failure and should be known: what could not be looked at, and why."""

    def fail(self, where: str, what: str, mend: str = "") -> None:
        """Add a failure, once."""
        finding = Finding(where, what, mend)
        if finding not in self.failures:
            self.failures.append(finding)

    def require(self, right: bool, where: str, what: str, mend: str = "") -> bool:
        """Add a failure unless it is right; whether it is."""
        if not right:
            self.fail(where, what, mend)
        return right

    def remark(self, line: str) -> None:
        """Add a remark, once."""
        if line not in self.remarks:
            self.remarks.append(line)

    @contextmanager
    def guarding(self, where: str, mend: str = "") -> Iterator[None]:
        """Whatever somebody else's code raises becomes a failure."""
        try:
            yield
        except Exception as error:
            said = str(error) if isinstance(error, BenchError) else f"raised {type(error).__name__}: {error}"
            # What was raised may have said where, and how to mend it.
            self.fail(where, said.removeprefix(f"{where}: "), "" if said.endswith(mend) else mend)


def plain(text: str) -> str:
    """Foreign text on one line of bounded length, without what a terminal would act on."""
    line = _UNPRINTABLE.sub(" ", text).strip().encode("utf-8", "replace").decode()
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
