"""From a method's name to what is done: which functions its aspects stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmark import plugins, protocol
from benchmark.methods import Method, share
from benchmark.protocol import Last, OnCheck, Point
from benchmark.resets import Reset, finetune, fresh, rewind
from benchmark.schedules import Schedule, Selection, geometric, of_units, one_shot
from benchmark.selection import Cut, Scale, by_dimension, by_maximum, by_mean, by_nothing, cut_alike, cut_anywhere
from benchmark.setting import Setting

CUTS: dict[str, Cut] = {"global": cut_anywhere, "local": cut_alike}
SCALES: dict[str, Scale] = {
    "mean": by_mean,
    "maxscaled": by_maximum,
    "dimscaled": by_dimension,
    "unscaled": by_nothing,
}
SCHEDULES: dict[str, Schedule] = {"geometric": geometric, "oneshot": one_shot}
RESETS: dict[str, Reset] = {"finetune": finetune, "fresh": fresh}


def rounds(method: Method, setting: Setting, on_check: OnCheck, last: Last | None) -> Iterator[Point]:
    """The rounds of a method that cuts or masks, from where it was broken off."""
    if method.criterion is None:
        return protocol.masking(setting, on_check, last)
    selection = _selection(method)
    if method.reset == "masked":
        return protocol.masked(setting, selection, on_check, last)
    if method.reset == "hybrid":
        return protocol.hybrid(setting, selection, on_check, last)
    return protocol.sweep(setting, selection, RESETS.get(str(method.reset), rewind), on_check, last)


def prepared(method: Method, setting: Setting) -> Setting:
    """The setting with the rewind step that the method has: `rewind<percent>`, or 0 for fresh weights."""
    if method.reset == "fresh":
        return replace(setting, recipe=replace(setting.recipe, rewind=0.0))
    if method.kind == "sweep" and method.reset not in ("rewind", "finetune"):
        return rewinding_to(setting, share(str(method.reset)))
    return setting


def rewinding_to(setting: Setting, share: float) -> Setting:
    """The setting with survivors rewound to another step of the dense training, and trained from there to its end.

    The dense net is the same; its weights at that step are found by training it once more.

    Parameters
    ----------
    share
        Of the steps: 0 (the initial weights) to below 1.
    """
    recipe = replace(setting.recipe, rewind=share)
    again = protocol.train_dense(
        setting.task, setting.data, setting.profile, setting.seed, lambda step, score: None, recipe
    )
    return replace(setting, recipe=recipe, dense=replace(setting.dense, kept=again.kept))


def _selection(method: Method) -> Selection:
    schedule = SCHEDULES.get(method.schedule) or of_units(share(method.schedule))
    return Selection(plugins.criterion(str(method.criterion)), SCALES[method.scale], CUTS[method.scope], schedule)
