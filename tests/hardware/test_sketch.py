"""The sketch for the Arduino IDE: it compiles as the IDE compiles it, and its own check passes on a board."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.hardware import sketch
from benchmark.hardware.artefact import Artefact
from tests.hardware.nets import hopping, made, need, net, rows

# What the IDE puts before a sketch, as far as this one needs it, with the host's console for a serial port.
ARDUINO = """\
#include <stdio.h>
struct Port {
  void begin(long) {}
  void print(const char *text) { printf("%s", text); }
  void print(unsigned long number) { printf("%lu", number); }
  void println(double number, int) { printf("%.8f\\n", number); }
} Serial;
static unsigned long micros() { return 0; }
static void delay(unsigned long) {}
#include "SKETCH"
int main() {
  setup();
  loop();
  loop();
}
"""


def write(folder: Path, name: str, number_format: str, make: Callable[[str, str], Artefact] = made) -> None:
    one = make(name, number_format)
    given = one.calls(rows(net(name)[1], 1)[0])[0]
    sketch.write_sketch(folder, one.source, "A net.", given, one.in_runtime([given])[0])
    (folder / "arduino.cpp").write_text(ARDUINO.replace("SKETCH", f"{folder.name}.ino"))


@pytest.mark.parametrize(
    ("name", "number_format", "make"),
    [("step", "fp32", made), ("tall", "int8", made), ("gru", "int8", made), ("gru", "fp32", hopping)],
)
def test_its_own_check_passes_time_after_time(
    name: str, number_format: str, make: Callable[[str, str], Artefact], tmp_path: Path
) -> None:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    folder = tmp_path / "a_net"
    write(folder, name, number_format, make)
    assert {p.name for p in folder.iterdir()} == {"a_net.ino", "model.c", "model.h", "example.h", "arduino.cpp"}
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-c", "model.c"], cwd=folder, check=True)
    subprocess.run(["g++", "-O1", "arduino.cpp", "model.o", "-lm", "-o", "net"], cwd=folder, check=True)
    said = subprocess.run([folder / "net"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 2
    for line in said:
        worst = float(line.rpartition("difference: ")[2])
        assert worst == 0 if number_format == "int8" and name == "tall" else worst < 1e-5


def test_it_compiles_for_an_uno(tmp_path: Path) -> None:
    need("avr-gcc")
    folder = tmp_path / "a_net"
    write(folder, "tall", "int8")
    flags = ["-mmcu=atmega328p", "-Os", "-c"]
    subprocess.run(["avr-gcc", "-std=gnu11", *flags, "model.c"], cwd=folder, check=True)
    subprocess.run(["avr-g++", "-std=gnu++11", *flags, "arduino.cpp"], cwd=folder, check=True)
