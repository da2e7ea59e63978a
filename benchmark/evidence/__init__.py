"""What criteria may look at, gathered by the harness once a round."""

from benchmark.evidence.calibration import Calibration, calibration
from benchmark.evidence.gathering import gather

__all__ = ["Calibration", "calibration", "gather"]
