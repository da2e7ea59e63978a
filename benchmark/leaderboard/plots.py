"""One picture a section: the primary metric against what is left of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UsageError
from benchmark.files import whole
from benchmark.leaderboard.summary import NARROW, RANDOM, Cell, Row, Section
from benchmark.leaderboard.text import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours without their yellow, which is too pale for a line (jfly.uni-koeln.de/color).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F4F24")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
CONTROL_MARKERS = ("h", "<", ">", "p", "d", "8")
PATTERNS = ((0, (1, 1)), (0, (7, 1, 1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (9, 3)))
"""Of variants that are neither finetuned nor masked."""
TICKS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
MAX_BANDS = 6
"""With more sweeps than this their bands hide each other; then only the reference has one."""


def plot_sweep(section: Section, path: Path) -> None:
    """Write a PNG with a line for every sweep, dotted where it is masked, and a mark for every control.

    The same section gives the same bytes under the same version of matplotlib.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _drawn(section)
    FigureCanvasAgg(figure)
    try:
        with whole(path) as part:
            # Without its own name in the file, so that a new version of matplotlib is no new picture.
            figure.savefig(part, format="png", metadata={"Software": None})
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose a folder that you may write to") from error


def svg(section: Section) -> bytes:
    """The same picture as SVG, with its words as text; the same bytes for the same section."""
    import io

    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.BytesIO()
    # Without a fixed salt every file has other ids.
    with matplotlib.rc_context({"svg.hashsalt": "trimbench", "svg.fonttype": "none"}):
        figure = _drawn(section)
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _drawn(section: Section) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    _dense(axes, section)
    _sweeps(axes, [row for row in section.rows if row.kind != "control" and _points(row)], section.reference)
    _controls(axes, [row for row in section.rows if row.kind == "control" and _points(row)])
    _dress(axes, section)
    if any(map(_points, section.rows)):
        figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _points(row: Row) -> list[Cell]:
    return [c for c in row.cells if c.score and c.reached]


def _dense(axes: Axes, section: Section) -> None:
    if section.dense is None or section.dense.score is None:
        return
    level, edge = section.dense.score.value, section.direction * section.rules.tolerance
    axes.axhspan(level - edge, level, color="#F0E442", alpha=0.3, lw=0, label=f"tolerance {section.rules.tolerance:g}")
    axes.axhline(level, color="0.25", lw=1, ls=":", label="dense")


def _sweeps(axes: Axes, rows: Sequence[Row], reference: str | None) -> None:
    """A criterion keeps its colour over variants; finetuned is dashed, masked dotted; random units are black.

    Marks of variants are hollow, and each kind of them has its own dashes.
    """
    criteria = sorted({row.criterion or row.method for row in rows} - {RANDOM})
    place = {name: i for i, name in enumerate(criteria)}
    kinds = sorted({_variant(row) for row in rows} - {""})
    for row in sorted(rows, key=lambda r: (r.criterion != RANDOM, r.method)):
        i = place.get(row.criterion or row.method)
        colour = "black" if i is None else COLOURS[i % len(COLOURS)]
        # A second turn through the colours is told apart by its marks.
        marker = "." if i is None else MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]
        rewound, variant = row.reset != "finetune", _variant(row)
        pattern: Any = "-" if not variant else PATTERNS[kinds.index(variant) % len(PATTERNS)]
        cells = _points(row)
        x, y, low, high = _series(cells)
        axes.plot(
            *(x, y),
            color=colour,
            marker=marker,
            markersize=7 if i is None else 4.5,
            markerfacecolor="white" if variant else colour,
            lw=1.8 if i is None else 1.4,
            ls=":" if row.kind == "masked" else pattern if rewound else (0, (4, 2)),
            label=row.method,
            zorder=3,
        )
        if len(rows) <= MAX_BANDS or row.method == reference:
            axes.fill_between(x, low, high, color=colour, alpha=0.13 if rewound else 0.07, lw=0, zorder=1)


def _variant(row: Row) -> str:
    return row.method.removeprefix(row.criterion or row.method)


def _controls(axes: Axes, rows: Sequence[Row]) -> None:
    """In grey, but for the one that tickets have to beat."""
    for i, row in enumerate(rows):
        x, y, low, high = _series(_points(row))
        # Side by side, for controls of one round have the same size.
        aside = 1.0 + 0.05 * (i - (len(rows) - 1) / 2)
        first = row.method == NARROW
        axes.errorbar(
            [value * aside for value in x],
            y,
            yerr=[[v - b for v, b in zip(y, low, strict=True)], [t - v for v, t in zip(y, high, strict=True)]],
            fmt="*" if first else CONTROL_MARKERS[i % len(CONTROL_MARKERS)],
            color="black" if first else "0.4",
            markerfacecolor="#F0E442" if first else ("white", "0.4", "0.75")[i % 3],
            markersize=14 if first else 7,
            capsize=2,
            elinewidth=1.2 if first else 0.8,
            label=row.method,
            zorder=5 if first else 4,
        )


def _series(cells: Sequence[Cell]) -> tuple[list[float], list[float], list[float], list[float]]:
    whole = [(c.reached, c.score) for c in cells if c.score and c.reached]
    return (
        [x for x, _ in whole],
        [s.value for _, s in whole],
        [min(s.low, s.value) for _, s in whole],
        [max(s.high, s.value) for _, s in whole],
    )


def _dress(axes: Axes, section: Section) -> None:
    left = [c.reached for row in section.rows for c in _points(row) if c.reached]
    smallest = min(left, default=0.1)
    axes.set_xscale("log")
    axes.set_xlim(1.15, smallest / 1.15)
    ticks = [t for t in TICKS if t >= smallest / 1.15]
    axes.set_xticks(ticks, [f"{100 * t:g} %" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("parameters left (smaller nets to the right)")
    better = "higher" if section.rules.higher_is_better else "lower"
    axes.set_ylabel(f"{section.rules.metric} ({better} is better)", parse_math=False)
    n = len(section.seeds)
    size = amount(section.dense.parameters) if section.dense and section.dense.parameters else "unknown size"
    crowded = sum(row.kind != "control" and bool(_points(row)) for row in section.rows) > MAX_BANDS
    title = (
        f"{section.task}, {section.data}, {section.profile}: reference of {size} parameters\n"
        f"mean of {n} seed{'s' if n > 1 else ''}, 95 % intervals over {'seeds and ' if n > 1 else ''}sources"
        f"{f' (band: {section.reference} only)' if crowded else ''}"
    )
    axes.set_title(title, loc="left", fontsize=11, parse_math=False)
    axes.grid(axis="both", color="0.9", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
