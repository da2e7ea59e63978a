"""Whether a net fits a board: flash, memory and time against what the board's rules leave for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmark.errors import RecordError
from benchmark.hardware.boards import Board, Format
from benchmark.hardware.evidence import Execution
from benchmark.hardware.footprint import Footprint
from benchmark.records import Record, Round

Limit = Literal["flash", "RAM", "time"]
Verdict = Literal["fits", "tight", "slow", "no"]
"""Inside the board's rules; inside its datasheet, with little left for the rest of a program; in memory, but slower
than the audio; not even in memory."""
VERDICTS: tuple[Verdict, ...] = ("fits", "tight", "slow", "no")
"""Best first."""


@dataclass(frozen=True)
class Net:
    """What a fit is computed from: one net, one call."""

    footprint: Footprint
    macs: int
    seconds: float
    """Of new audio that a call answers for."""

    @classmethod
    def of(cls, record: Record, entry: Round, footprint: Footprint) -> Net:
        """The net of one round of a record.

        Raises
        ------
        RecordError
            The record does not say how much audio a call answers for.
        """
        seconds = record.task.get("seconds")
        if not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
            raise RecordError(f"{record.run}: a call answers for {seconds!r} seconds of audio")
        return cls(footprint, entry.macs, float(seconds))


@dataclass(frozen=True)
class Fit:
    """One net on one board in one number format."""

    board: Board
    format: Format
    flash_bytes: int
    """Weights and program."""
    ram_bytes: int
    """Activations, and stack or the runtime's own memory; under Linux the weights too."""
    real_time_factor: tuple[float, float, float]
    """Computing time over the time of the audio: low, middle, high."""
    use: dict[Limit, float]
    """Of what the board's rules allow: above 1 it does not hold."""
    hard: dict[Limit, float]
    """Of what the board has."""
    executed: bool = False
    """Measured by executing it, not estimated."""
    failure: str = ""
    """Why executing it failed."""
    streamed: bool = False
    """Fed hop by hop."""

    @property
    def verdict(self) -> Verdict:
        """By the middle of the time estimate."""
        if self.failure or max(self.hard["flash"], self.hard["RAM"]) > 1:
            return "no"
        if self.hard["time"] > 1:
            return "slow"
        return "tight" if any(part > 1 for part in self.use.values()) else "fits"

    @property
    def limit(self) -> Limit:
        """What binds: the limit that is used most; of flash and RAM where it is not even in memory."""
        limits: tuple[Limit, ...] = ("flash", "RAM") if self.verdict == "no" else ("flash", "RAM", "time")
        return max(limits, key=lambda limit: self.use[limit])

    @property
    def sure(self) -> bool:
        """Whether the verdict is the same at both ends of the time's error band."""
        if self.verdict == "no":
            return True
        allowed = self.board.rules.real_time_factor
        grades = {(t > 1, t > allowed) for t in self.real_time_factor}
        # What is tight in memory stays tight however fast it is.
        return len(grades) == 1 or (max(self.use["flash"], self.use["RAM"]) > 1 and max(self.real_time_factor) <= 1)

    @property
    def badness(self) -> tuple[int, float]:
        """Orders fits of one net or another on one board, best first."""
        return VERDICTS.index(self.verdict), self.use[self.limit]


def estimate(board: Board, net: Net, number_format: Format) -> Fit:
    """What a net will take on a board, without running it: at once or, where that fits better or must be, as a stream.

    The time is multiply-accumulates and calls of slow functions times what these cost on the board, in cycles, plus a
    constant for a call; good within the factor `rules.band` either way.
    """
    whole = _estimate(board, net, number_format, streamed=False)
    if not net.footprint.stream_calls:
        return whole
    streamed = _estimate(board, net, number_format, streamed=True)
    return streamed if net.footprint.stream_only else min(whole, streamed, key=lambda fit: fit.badness)


def _estimate(board: Board, net: Net, number_format: Format, streamed: bool) -> Fit:
    rules, cost, found = board.rules, board.cycles[number_format], net.footprint
    weights, arena = found.weights(number_format), found.arena(number_format, streamed)
    macs, functions, calls = net.macs, found.functions, 1
    if streamed:
        macs, functions, calls = found.stream_macs, found.stream_functions, found.stream_calls
    in_ram = 0 if board.flash_bytes else weights
    cycles = calls * (macs * cost.mac + functions * cost.function + rules.cycles_per_call)
    factor = cycles / board.clock_hz / net.seconds
    return _fit(
        board,
        number_format,
        weights + rules.code_bytes,
        arena + in_ram + rules.stack_bytes,
        (factor / rules.band, factor, factor * rules.band),
        weights=weights,
        block=arena,
        streamed=streamed,
    )


def executed(board: Board, net: Net, execution: Execution) -> Fit:
    """The same from what was seen when it ran; what was not measured there is estimated."""
    guess = _estimate(board, net, execution.format, execution.streamed)
    factors = guess.real_time_factor
    if execution.seconds is not None:
        low, middle, high = (seconds / net.seconds for seconds in execution.seconds)
        factors = (low, middle, high)
    return _fit(
        board,
        execution.format,
        guess.flash_bytes if execution.flash_bytes is None else execution.flash_bytes,
        guess.ram_bytes if execution.ram_bytes is None else execution.ram_bytes,
        factors,
        # It was linked.
        weights=0,
        block=0,
        executed=True,
        failure="" if execution.ran else execution.message or execution.outcome,
        streamed=execution.streamed,
    )


def _fit(
    board: Board,
    number_format: Format,
    flash: int,
    ram: int,
    factors: tuple[float, float, float],
    weights: int,
    block: int,
    executed: bool = False,
    failure: str = "",
    streamed: bool = False,
) -> Fit:
    rules = board.rules
    filled = flash / board.flash_bytes if board.flash_bytes else 0.0
    reached = weights / board.weight_bytes if board.weight_bytes else 0.0
    hard: dict[Limit, float] = {
        "flash": max(filled, reached),
        "RAM": max(ram / board.ram_bytes, block / board.block_bytes),
        "time": factors[1],
    }
    use: dict[Limit, float] = {
        "flash": max(filled / rules.flash_share, reached),
        "RAM": max(ram / board.ram_bytes / rules.ram_share, block / board.block_bytes),
        "time": factors[1] / rules.real_time_factor,
    }
    return Fit(board, number_format, flash, ram, factors, use, hard, executed, failure, streamed)
