"""A control's net that trains for as long as many rounds: in a job of its own, ahead of the run that measures it."""

from __future__ import annotations

import torch

from benchmark import methods, protocol
from benchmark.digest import digest_json
from benchmark.fits import kept_fit
from benchmark.protocol import OnCheck, Point
from benchmark.records import RunKey
from benchmark.setting import Setting, built
from benchmark.staleness import code_digests
from benchmark.training import Fit


def narrow_plus(key: RunKey, setting: Setting, k: int, on_check: OnCheck) -> Point:
    """The net of `narrow+` for round k, from the cache where the same code has trained it on the same data."""

    def train() -> Fit:
        (point,) = protocol.narrow_plus(setting, [k], on_check)
        return point.fit

    identity = {
        "run": str(key),
        "round": k,
        "code": code_digests(methods.method(key.method), key.task),
        "data": setting.data.digest,
        "torch": torch.__version__,
    }
    fit, _ = kept_fit("ahead", digest_json(identity), train)
    return Point(k, protocol.uniform(setting, k), built(setting, fit.state), fit)
