"""`export`: a net of a record as an ONNX file, as C, or as a sketch for the Arduino IDE."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from benchmark.hardware.artefact import Artefact
    from benchmark.hardware.boards import Format
    from benchmark.hardware.tickets import Ticket

KINDS = ("onnx", "c", "arduino")


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_net(parser)
    parser.add_argument("--to", required=True, metavar="KIND", help="onnx (a file), c or arduino (a folder)")
    parser.add_argument("--output", type=Path, help="where to (default: named after the record and the round)")
    parser.set_defaults(command=run)


def add_net(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Options that name a net, for every command that takes one."""
    count = None if required else "?"
    parser.add_argument("record", nargs=count, metavar="RECORD", help="task/data/profile/method/seed0, or its file")
    parser.add_argument("--round", type=int, required=required, metavar="K", help="its round; 0 is the dense net")
    parser.add_argument("--int8", action="store_true", help="quantised, ranges from the validation rows")
    parser.add_argument("--stream", action="store_true", help="one hop of it, its state carried, as `fit` has streams")
    parser.add_argument("--data-home", type=Path, help="folder where the data set lies, for recordings")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")


def run(options: argparse.Namespace) -> int:
    """Write it, and say what it is.

    Raises
    ------
    BenchError
        There is no such record or round, its weights are not here, or it cannot be exported.
    """
    if options.to not in KINDS:
        raise UsageError(f"--to {options.to!r} is unknown: {did_you_mean(options.to, KINDS)}")
    from benchmark.hardware import tools

    tools.modules("onnx", "onnxscript", "onnxruntime", *(("emx_onnx_cgen",) if options.to != "onnx" else ()))
    found, made = prepared(options)
    place = options.output or Path(_name(found, made))
    if options.to == "onnx":
        place = place if place.suffix == ".onnx" else place.with_name(f"{place.name}.onnx")
    lines = _write(options.to, place, found, made)
    if made.format == "int8":
        lines.append(_quantised(options, found, made))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def prepared(options: argparse.Namespace) -> tuple[Ticket, Artefact]:
    """The net that the options name, exported."""
    from benchmark import records
    from benchmark.hardware import tickets
    from benchmark.hardware.fit_command import find

    path = find(options.record, options.results)
    found = tickets.ticket(path, records.read(path), options.round)
    number_format: Format = "int8" if options.int8 else "fp32"
    return found, tickets.exported(found, number_format, options.stream, options.data_home)


def _name(found: Ticket, made: Artefact) -> str:
    """A name that the Arduino IDE takes for a sketch too."""
    run = found.record.run
    plain = re.sub(r"[^A-Za-z0-9]+", "_", f"{run.task}_{run.method}_seed{run.seed}_round{found.round.round}")
    return plain.strip("_") + ("_int8" if made.format == "int8" else "") + ("_stream" if made.stream else "")


def _write(kind: str, place: Path, found: Ticket, made: Artefact) -> list[str]:
    """Write what was asked for; lines that say what it is."""
    from benchmark.files import write_whole
    from benchmark.hardware import exporting, sketch

    weights = exporting.weight_bytes(made.proto)
    size = f"{found.round.parameters} parameters, {weights} bytes of weights, {made.format}"
    size += f", {made.stream.calls} hops for a call" if made.stream else ""
    if kind == "onnx":
        content = made.proto.SerializeToString()
        write_whole(place, content)
        return [f"wrote {place}: {len(content)} bytes, {size}"]
    source = made.source
    if kind == "c":
        sketch.write_c(place, source)
    else:
        call = made.calls((found.reference.example.numpy(),))[0]
        about = f"{found.record.run}, round {found.round.round}: {size}."
        sketch.write_sketch(place, source, about, call, made.in_runtime([call])[0])
    return [f"wrote {place}: {size}, {source.arena_bytes} bytes of memory"]


def _quantised(options: argparse.Namespace, found: Ticket, made: Artefact) -> str:
    """What quantisation does to the outputs, and to the task's metric on all test items."""
    from benchmark.hardware import quantize, sampling, scoring
    from benchmark.hardware.rows import inputs
    from benchmark.hardware.tickets import data_of, for_rows
    from benchmark.training import predict

    test = data_of(found, options.data_home).test
    chosen = sampling.everything(test)
    rows = inputs(test, chosen.rows)
    made = for_rows(found, made, rows, options.data_home)
    outputs = [made.edges.leave(made.expected(row)) for row in rows]
    scores = scoring.score(found.reference.task, test, predict(made.model, test), chosen, outputs)
    floats = [made.in_torch(row) for row in rows]
    ratio = quantize.noise_ratio(outputs, floats)
    return (
        f"{found.record.primary} on {scores.items} test items: int8 {scores.executed:.4f}, torch {scores.torch:.4f}; "
        f"signal over quantisation noise {ratio:.1f} dB"
    )
