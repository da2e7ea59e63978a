"""Which code a run's numbers depend on; a record whose digests differ from today's is stale."""

from __future__ import annotations

from pathlib import Path

from benchmark import plugins
from benchmark.digest import digest_source
from benchmark.methods import Method

HERE = Path(__file__).resolve().parent
FILES = (
    *("budgets", "composition", "metrics", "protocol", "resets", "run", "schedules", "selection", "setting"),
    "training",
)
FOLDERS = ("evidence", "measure", "trimming")


def code_digests(method: Method, task: str) -> dict[str, str]:
    """Digests of the harness's numerical part, the task's folder and the criterion's file."""
    harness = [HERE / f"{name}.py" for name in FILES]
    harness += [path for folder in FOLDERS for path in (HERE / folder).glob("*.py")]
    digests = {"harness": digest_source(*harness), "task": digest_source(plugins.tasks()[task].path)}
    if method.criterion:
        digests["criterion"] = digest_source(plugins.criteria()[method.criterion].path)
    return digests
