"""How clips become rows of the net, and its answers onsets.

A row answers for 25 frames, and the target of an onset is *one* frame, so that outputs are probabilities. An onset is
said where a peak expects enough of one in nine frames; two are more than 30 ms apart. Of calibrated answers F1 would be
best with half of the F1 that is reached, about 0.4 (Lipton, Elkan and Naryanaswamy, "Optimal thresholding of
classifiers to maximize F1 measure", ECML 2014); on sounds that the net has not learnt from it expects too little.
Threshold and width were chosen once, as the best on the validation clips of seeds 0 to 2 with the dense nets of
`quick`; :mod:`.compare` prints validation F1 by threshold for every seed. They are the same for every net: nothing is
chosen on test clips, nor anew for a trimmed net.
"""

from __future__ import annotations

from benchmark.audio.peaks import Peaks
from benchmark.audio.variation import Variation
from benchmark.audio.windows import Layout

from .features import MEL
from .model import ANSWERS, CONTEXT

LAYOUT = Layout(MEL, ("onset",), answers=ANSWERS, context=CONTEXT, beside=0.0)
PEAKS = Peaks(threshold=0.2, around=4, apart=3, mass=LAYOUT.mass)
VARIATION = Variation(level=0.4, tilt=0.5, bands=3, noise=0.2)
