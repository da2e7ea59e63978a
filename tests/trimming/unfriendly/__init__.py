"""Small nets, each with one thing that people write and that cutting tools stumble over.

The widths are those that a cut may have; a net without any is frozen, with reasons.
"""

from __future__ import annotations

from tests.trimming.unfriendly import (
    attention,
    convolutions,
    habits,
    norms,
    parameters,
    paths,
    recurrent,
    signals,
    weights,
    widths,
)
from tests.trimming.unfriendly.kit import Unfriendly

_SUBJECTS = (weights, signals, parameters, paths, widths, convolutions, norms, recurrent, attention, habits)

UNFRIENDLY: dict[str, Unfriendly] = {name: net for subject in _SUBJECTS for name, net in subject.nets.items()}

assert len(UNFRIENDLY) == sum(len(subject.nets) for subject in _SUBJECTS), "two nets have one name"
