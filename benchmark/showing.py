"""What `list` and `show` print. Listing imports no plugin."""

from __future__ import annotations

import json

from benchmark import methods, plugins
from benchmark.errors import UsageError, did_you_mean
from benchmark.task import Card, DataSet


def listing(what: str | None, as_json: bool) -> str:
    """Tasks and criteria, or the data sets of every task.

    Raises
    ------
    UsageError
        There is no such list.
    """
    lists = {"tasks": _tasks, "criteria": _criteria, "data": _data, "boards": _boards}
    if what is not None and what not in lists:
        raise UsageError(f"no list of {what!r}: {did_you_mean(what, lists)}")
    chosen = {name: lists[name]() for name in ([what] if what else ["tasks", "criteria"])}
    if as_json:
        return json.dumps(chosen, indent=2)
    width = max((len(name) for rows in chosen.values() for name in rows), default=0)
    blocks = ["\n".join([title, *(f"  {n:{width}}  {s}" for n, s in rows.items())]) for title, rows in chosen.items()]
    return "\n\n".join(blocks)


def card(name: str) -> str:
    """The card of a task, a criterion or another method.

    Raises
    ------
    UsageError
        Nothing has the name.
    """
    if name in plugins.tasks():
        task = plugins.task(name)
        metrics = [f"{m.id} ({'higher' if m.higher_is_better else 'lower'} is better)" for m in task.metrics]
        data = [f"{d.name}: {_about(d)}" for d in task.datasets]
        facts = {
            "primary metric": metrics[0],
            "further metrics": ", ".join(metrics[1:]) or "none",
            "tolerance": f"{task.tolerance:g}",
            "data": "\n  ".join(data),
        }
        return _page(f"task {name} (version {task.version})", task.card, facts)
    if name in plugins.criteria():
        criterion = plugins.criterion(name)
        facts = {
            "evidence": ", ".join(criterion.needs) or "none",
            "variants": "".join(f"\n    {name}-{variant}: {what}" for variant, what in methods.VARIANTS.items()),
        }
        return _page(f"criterion {name}", criterion.card, facts)
    if methods.exists(name):
        return f"method {name}\n  {methods.method(name).summary}"
    raise UsageError(f"nothing is called {name!r}: {did_you_mean(name, [*plugins.tasks(), *methods.names()])}")


def _page(title: str, about: Card, facts: dict[str, str]) -> str:
    own = {"title": about.title, "source": about.source, "licence": about.licence, "notes": about.notes or "none"}
    lines = (f"  {name}:" + (text if text.startswith("\n") else f" {text}") for name, text in (own | facts).items())
    return "\n".join([title, *lines])


def _tasks() -> dict[str, str]:
    return {name: plugin.summary for name, plugin in plugins.tasks().items()}


def _criteria() -> dict[str, str]:
    found = {name: plugin.summary for name, plugin in plugins.criteria().items()}
    variants = {f"<criterion>-{variant}": summary for variant, summary in methods.VARIANTS.items()}
    return found | variants | {name: f"control: {summary}" for name, summary in methods.CONTROLS.items()}


def _data() -> dict[str, str]:
    return {f"{name} {data.name}": _about(data) for name in plugins.tasks() for data in plugins.task(name).datasets}


def _boards() -> dict[str, str]:
    from benchmark.hardware.boards import load

    return {name: board.summary for name, board in load().items()}


def _about(data: DataSet) -> str:
    return f"{data.title} [{data.licence}]{', needs --data-home' if data.needs_home else ''}"
