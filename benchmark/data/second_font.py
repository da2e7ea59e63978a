"""Where a second sound font is installed, FluidR3: sounds that no default data were rendered from.

FluidR3 (F. Wen, 2000-2013, MIT) is the package `fluid-soundfont-gm` of Debian and Ubuntu, `soundfont-fluid` of Fedora
and Arch. A net that was trained on one font and is scored on the other shows what it learnt of music and not of a font.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import DataError

VARIABLE = "TRIMBENCH_SECOND_FONT"
PLACES = (
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/share/soundfonts/FluidR3_GM.sf2"),
    Path("/usr/share/sounds/FluidR3_GM.sf2"),
    Path("/usr/local/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/local/share/soundfonts/FluidR3_GM.sf2"),
    Path("/opt/local/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/run/current-system/sw/share/soundfonts/FluidR3_GM2-2.sf2"),
)
"""Of Debian, Fedora and Arch, older Fedora, FreeBSD, MacPorts, NixOS."""


def second_font(places: Sequence[Path] = PLACES) -> Path:
    """The file of the second sound font: `$TRIMBENCH_SECOND_FONT`, or else where distributions put FluidR3.

    Raises
    ------
    DataError
        It is in none of the places: how to install it.
    """
    chosen = os.environ.get(VARIABLE)
    for path in [Path(chosen).expanduser()] if chosen else places:
        if path.is_file():
            return path
    if chosen:
        raise DataError(f"{VARIABLE} names {chosen}, which is not a file")
    raise DataError(
        "FluidR3_GM.sf2 was not found: install fluid-soundfont-gm (Debian, Ubuntu) or soundfont-fluid (Fedora, Arch),"
        f" or name the file in {VARIABLE}"
    )


def has_second_font() -> bool:
    """Whether there is a second font: a test of other sounds is skipped without."""
    try:
        second_font()
    except DataError:
        return False
    return True
