"""What a model costs: parameters, bytes, multiply-accumulates, time."""

from benchmark.measure.by_operator import macs_by_operator
from benchmark.measure.latency import Latency, latency
from benchmark.measure.macs import UnknownLayer, macs
from benchmark.measure.size import artefact_bytes, nonzero, parameters

__all__ = ["Latency", "UnknownLayer", "artefact_bytes", "latency", "macs", "macs_by_operator", "nonzero", "parameters"]
