"""Which code a run's numbers depend on; a record whose digests differ from today's is stale."""

from __future__ import annotations

from pathlib import Path

from benchmark import plugins
from benchmark.digest import digest_source
from benchmark.imports import reached
from benchmark.methods import Method
from benchmark.plugins import Plugin

HERE = Path(__file__).resolve().parent
PROTOCOL = ("budgets", "composition", "protocol", "resets", "run", "schedules", "selection", "setting")
TRAINING = ("metrics", "training")
FOLDERS = ("measure", "trimming")
HEARING = HERE / "audio"
"""What tasks measure sound by. What they are made of, `data`, is seen in the digest of the data."""


def code_digests(method: Method, task: str) -> dict[str, str]:
    """Digests of the parts of the code, by name: of the harness, of the task, and of what scores units."""
    digests = {
        "protocol": digest_source(*(HERE / f"{name}.py" for name in PROTOCOL)),
        "training": digest_source(*(HERE / f"{name}.py" for name in TRAINING)),
        **{folder: digest_source(HERE / folder) for folder in FOLDERS},
        "task": task_digest(plugins.tasks()[task]),
    }
    if method.criterion:
        digests["evidence"] = digest_source(HERE / "evidence")
        digests["criterion"] = digest_source(plugins.criteria()[method.criterion].path)
    return digests


def task_digest(plugin: Plugin) -> str:
    """Digest of the files that the task is made of: what nobody imports, as a comparison to be run by hand, is none."""
    return digest_source(*reached(plugin.source, (plugin.path, HEARING)))
