"""The trained net of a round, from where a run left its weights, and the commands that take it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import plugins, records
from benchmark.cli import main
from benchmark.hardware import cortexm, programs, sampling, scoring, tickets
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.running import Ran
from benchmark.journal import weights_file
from benchmark.training import predict
from tests.conftest import House
from tests.hardware.nets import need
from tests.toy_task import Chirps, Net, Toy

RECORD = "toy/made/smoke/magnitude/seed0"


def one_line(text: str) -> str:
    assert text.count("\n") == 1 and "Traceback" not in text, text
    return text


def weights(house: House, number: int) -> Path:
    (found,) = (house.root / "cache" / "runs").glob(f"*/round-{number:02d}.safetensors")
    return found


def test_the_weights_are_looked_for_where_a_run_leaves_them(magnitude: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(magnitude.root / "cache"))
    monkeypatch.setenv(plugins.FOLDERS, str(magnitude.root / "tasks"))
    record = records.read(magnitude.results / f"{RECORD}.json")
    assert weights_file(record, 3) == weights(magnitude, 3)
    assert tickets.ticket(magnitude.results / f"{RECORD}.json", record, 3).round.round == 3


def test_an_export_is_the_net_of_the_round(magnitude: House) -> None:
    need("onnxscript", "onnxruntime", "emx_onnx_cgen")
    done = magnitude.run("export", RECORD, "--round", "4", "--to", "arduino", "--int8", "--output", "sketches/net4")
    assert done.returncode == 0, done.stderr
    folder = magnitude.root / "sketches" / "net4"
    assert {p.name for p in folder.iterdir()} == {"net4.ino", "model.c", "model.h", "example.h"}
    entry = json.loads((magnitude.results / f"{RECORD}.json").read_text())["rounds"][4]
    assert f"{entry['parameters']} parameters" in done.stdout
    said = re.search(r"toy\.accuracy\.v1 on 121 test items: int8 (\S+), torch (\S+); .* (\S+) dB", done.stdout)
    assert said is not None
    # The torch model scores what the record says; eight bits take little of it.
    assert float(said[2]) == pytest.approx(entry["test"]["toy.accuracy.v1"], abs=1e-4)
    assert float(said[1]) == pytest.approx(float(said[2]), abs=0.06) and float(said[3]) > 15


def test_an_emulation_says_what_came_of_it_and_keeps_it(magnitude: House) -> None:
    need("onnxscript", "emx_onnx_cgen", "arm-none-eabi-gcc", "qemu-system-arm")
    shutil.copy(weights(magnitude, 5), tickets.beside(magnitude.results / f"{RECORD}.json", 5))
    shutil.rmtree(magnitude.root / "cache" / "runs")  # the copy beside the record is enough
    command = ("emulate", RECORD, "--round", "5", "--board", "nano-33-ble-sense", "--items", "50")
    done = magnitude.run(*command)
    assert done.returncode == 0, done.stderr
    kept = json.loads((magnitude.results / f"{RECORD}.boards.json").read_text())
    (entry,) = kept["executed"]
    assert (entry["outcome"], entry["items"], entry["round"]) == ("ran", 50, 5)
    assert entry["parity"] < 1e-5 and entry["score"] == entry["reference_score"]
    for figure in ("flash_bytes", "ram_bytes", "instructions"):
        assert str(entry[figure]) in done.stdout


def test_the_best_nets_of_a_task_on_every_kind_of_board(magnitude: House) -> None:
    need("onnxscript", "emx_onnx_cgen", "arm-none-eabi-gcc", "qemu-system-arm")
    command = ("emulate", "--task", "toy", "--profile", "smoke")
    done = magnitude.run(*command, "--board", "nano-33-ble-sense", "--items", "50")
    assert done.returncode == 0, done.stderr
    head, line = done.stdout.splitlines()
    assert head == "toy, made, smoke" and line.startswith("Arduino Nano 33 BLE Sense: magnitude ")
    (entry,) = json.loads((magnitude.results / f"{RECORD}.boards.json").read_text())["executed"]
    assert (entry["outcome"], entry["items"], entry["board"]) == ("ran", 50, "nano-33-ble-sense")
    # What `fit` names as the net for this board is what ran.
    said = magnitude.run("fit", "--task", "toy", "--profile", "smoke", "--board", "nano-33-ble-sense").stdout
    assert f"magnitude {entry['round']}" in said and "executed" in said
    assert f"magnitude {entry['round']}, {entry['format']}, seed 0: " in line and "; memory: " in line


@pytest.mark.long
def test_where_the_linker_refuses_a_net_the_next_one_is_tried(
    magnitude: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need("onnxscript", "emx_onnx_cgen", "arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.setenv("TRIMBENCH_CACHE", str(magnitude.root / "cache"))
    monkeypatch.setenv(plugins.FOLDERS, str(magnitude.root / "tasks"))
    execute, seen = cortexm.execute, []

    def tight(source: Source, board: Board, *rest: Any) -> Ran:
        seen.append(source.weight_bytes)
        if len(seen) < 3:
            raise programs.does_not_fit(board, f"region FLASH overflowed by {len(seen)} bytes", "flash")
        return execute(source, board, *rest)

    monkeypatch.setattr(cortexm, "execute", tight)
    command = ["emulate", "--task", "toy", "--profile", "smoke", "--board", "nano-33-ble-sense"]
    assert main([*command, "--results", str(magnitude.results)]) == 0
    _, *refused, ran = capsys.readouterr().out.splitlines()
    assert len(refused) == 2 and all(
        f"it does not fit on Arduino Nano 33 BLE Sense: region FLASH overflowed by {n} bytes" in line
        for n, line in enumerate(refused, 1)
    )
    assert "; memory: " in ran and len(set(seen)) == 3
    kept = json.loads((magnitude.results / f"{RECORD}.boards.json").read_text())["executed"]
    assert sorted(entry["outcome"] for entry in kept) == ["flash", "flash", "ran"]
    (entry,) = (entry for entry in kept if entry["outcome"] == "ran")
    assert f"magnitude {entry['round']}, {entry['format']}" in ran


def test_what_cannot_be_done_on_a_board_is_a_line_and_not_the_end(magnitude: House) -> None:
    (magnitude.root / "cache" / "runs").rename(magnitude.root / "elsewhere")
    done = magnitude.run("emulate", "--task", "toy", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    _, *lines = done.stdout.splitlines()
    assert len(lines) == 5
    missing = [line for line in lines if "the weights of toy/made/smoke/magnitude/seed0, round" in line]
    # Those that lack tools on this computer say so instead.
    assert missing and all("skipped, " in line for line in lines)
    assert not (magnitude.results / f"{RECORD}.boards.json").exists()


def test_what_does_not_run_is_one_line_and_kept_too(magnitude: House) -> None:
    need("onnxscript", "emx_onnx_cgen", "avr-gcc", "simavr")
    done = magnitude.run("emulate", RECORD, "--round", "0", "--board", "uno-r3")
    assert done.returncode == 1
    assert "it does not fit on Arduino Uno R3: section .bss ends at" in one_line(done.stderr)
    (entry,) = json.loads((magnitude.results / f"{RECORD}.boards.json").read_text())["executed"]
    assert entry["outcome"] == "ram" and entry["message"] in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("emulate", RECORD, "--round", "1", "--board", "nano-33-ble"),
            "no board 'nano-33-ble': did you mean 'nano-33",
        ),
        (("emulate", RECORD, "--round", "1", "--board", "host", "--items", "0"), "--items '0': give a whole number"),
        (("emulate", RECORD, "--round", "1", "--board", "host", "--limit", "0"), "--limit 0: give more than 0"),
        (("emulate", "--profile", "smoke"), "give either a RECORD with --round and --board, or --task"),
        (("emulate", RECORD, "--task", "toy"), "give either a RECORD with --round and --board, or --task"),
        (("emulate", RECORD, "--board", "host"), "a RECORD needs --round and --board"),
        (("emulate", "--task", "toy", "--int8"), "--round, --int8 and --stream belong to a RECORD"),
        (("emulate", "--task", "toy", "--profile", "smok"), "no profile 'smok': did you mean 'smoke'?"),
        (("emulate", "--task", "tyo"), "no task 'tyo': did you mean 'toy'?"),
        (("emulate", "--task", "toy", "--profile", "full"), "no records of a sweep of toy at full in results"),
        (("export", RECORD, "--round", "1", "--to", "onxn"), "--to 'onxn' is unknown: did you mean 'onnx'?"),
        (("export", "toy/made/smoke/magnitud/seed0", "--round", "1", "--to", "c"), "did you mean 'toy/made/smoke"),
        (("export", RECORD, "--round", "14", "--to", "c"), "has no round 14: it has 0, 1, 2"),
    ],
)
def test_a_slip_gets_one_line(lived_in: House, arguments: tuple[str, ...], message: str) -> None:
    done = lived_in.run(*arguments)
    assert done.returncode == 2
    assert message in one_line(done.stderr)


def test_a_net_that_is_no_stream_says_why(magnitude: House) -> None:
    done = magnitude.run("export", RECORD, "--round", "4", "--to", "c", "--stream")
    assert done.returncode == 1
    wanted = f"{RECORD}, round 4, cannot be fed hop by hop: something in it needs more than a hop"
    assert wanted in one_line(done.stderr)


def test_a_tool_that_is_absent_is_named_with_its_installation(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = lived_in.run("emulate", RECORD, "--round", "1", "--board", "mega-2560")
    assert done.returncode == 2
    said = one_line(done.stderr)
    for line in ("sudo apt-get install gcc-avr avr-libc", "sudo apt-get install simavr libsimavr-dev libelf-dev"):
        assert line in said


def test_weights_that_are_gone_are_told_with_the_run_that_makes_them(magnitude: House) -> None:
    shutil.rmtree(magnitude.root / "cache" / "runs")
    done = magnitude.run("export", RECORD, "--round", "2", "--to", "onnx")
    assert done.returncode == 2
    wanted = "run --task toy --data made --profile smoke --criterion magnitude --no-controls --seeds 0 --redo all"
    assert wanted in one_line(done.stderr)


def test_a_score_is_of_the_items_that_were_executed() -> None:
    split = Chirps(40, 0)
    reference = predict(Net(4).eval(), split)
    chosen = sampling.sample(Toy(), split, reference, 8)
    right = torch.nn.functional.one_hot(split.targets[torch.from_numpy(chosen.rows)], 4).float()
    found = scoring.score(Toy(), split, reference, chosen, [(row[None].numpy(),) for row in right])
    assert (found.executed, found.items) == (1.0, 8)
    hits = (reference.argmax(1) == split.targets)[torch.from_numpy(chosen.rows)]
    assert found.torch == pytest.approx(hits.float().mean().item())
