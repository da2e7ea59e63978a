"""Whether a data set is rendered by the bench or made of recordings."""

from __future__ import annotations

from typing import Literal

from benchmark import plugins
from benchmark.errors import UsageError

Origin = Literal["rendered", "recorded", "unknown"]
ORIGINS: dict[Origin, str] = {
    "rendered": "Rendered data",
    "recorded": "Recordings",
    "unknown": "Data sets of tasks that are not installed here",
}
"""In the order of the page, with a heading."""


def origin(task: str, data: str) -> Origin:
    """As the task has it: what it can make itself is rendered, what needs a folder is recorded."""
    if task not in plugins.tasks():
        return "unknown"
    try:
        sets = {dataset.name: dataset for dataset in plugins.task(task).datasets}
    except UsageError:
        # A task that cannot be imported has a message of its own wherever it is run; its results stay readable.
        return "unknown"
    if data not in sets:
        return "unknown"
    return "recorded" if sets[data].needs_home else "rendered"
