"""How clips become rows of the net, and its answers strokes.

A row is a patch around every frame. The target is half a stroke in the frames before and after a stroke's: one that may
as well be in the next frame is no mistake. At `quick`, seed 0, this gave four points of validation F1 over targets of
one frame, with as many steps.

A stroke is where at least half of one is expected in five frames, 58 ms, and two on one drum are at least 46 ms apart.
That half was chosen once, on the validation clips of seeds 0 to 2 with the dense nets, where 0.3 to 0.6 give mean F1 of
.866, .878, .885, .890, .891, .890 and .881 (`python -m tasks.drums.compare` prints them), and is the same for every
net, data set and seed: a trimmed net is scored by the rule of the dense one.
"""

from __future__ import annotations

from benchmark.audio.peaks import Peaks
from benchmark.audio.variation import Variation
from benchmark.audio.windows import Layout

from .features import MEL, PATCH
from .sounds import DRUM_NAMES

LAYOUT = Layout(MEL, DRUM_NAMES, answers=1, context=PATCH // 2, beside=0.5)
PEAKS = Peaks(threshold=0.5, around=2, apart=3, mass=LAYOUT.mass)
VARIATION = Variation(level=0.4, tilt=0.5, bands=2, noise=0.2)
