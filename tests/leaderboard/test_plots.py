from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark import leaderboard
from benchmark.errors import UsageError
from benchmark.leaderboard import Section
from benchmark.leaderboard.plots import COLOURS, plot_sweep
from tests.leaderboard import factory
from tests.leaderboard.factory import Run, World, at_controls, falling


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    results = tmp_path_factory.mktemp("results")
    truths = {"random": falling(8), "magnitude": falling(5), "magnitude-finetune": falling(9)}
    truths |= {"masking": falling(9), "magnitude-masked": falling(6)}
    truths |= {"narrow": at_controls(0.85), "narrow+": at_controls(0.9), "dense+": {0: 0.91}}
    factory.write_all(results, truths, world=World(sources=30))
    (found,) = leaderboard.sections(results)
    return found


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return np.round(255 * imread(path)[..., :3]).astype(int)


def has(picture: np.ndarray, colour: str) -> int:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((abs(picture - wanted).max(-1) <= 2).sum())


def test_is_a_png_of_readable_size_with_every_sweep_in_its_colour(section: Section, tmp_path: Path) -> None:
    plot_sweep(section, tmp_path / "figures/toy.png")
    picture = pixels(tmp_path / "figures/toy.png")
    assert picture.shape == (560, 1000, 3)
    assert has(picture, COLOURS[0]) > 500
    assert has(picture, "#000000") > 500
    assert has(picture, COLOURS[1]) > 100
    assert has(picture, COLOURS[2]) == 0
    assert [p.name for p in (tmp_path / "figures").iterdir()] == ["toy.png"]


def test_same_section_same_bytes(section: Section, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plot_sweep(section, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_loss_is_drawn_where_lower_is_better_and_marks_are_plain_text(tmp_path: Path) -> None:
    run = Run(higher_is_better=False, truth=falling(5, drop=-0.1))
    task = factory.record(run, factory.items(run)).task
    assert task["metrics"][0]["higher_is_better"] is False
    factory.write(tmp_path, run)
    (section,) = leaderboard.sections(tmp_path)
    rules = section.rules._replace(metric=r"loss_$\frac{$")
    plot_sweep(type(section)(**{**vars(section), "rules": rules}), tmp_path / "toy.png")
    assert has(pixels(tmp_path / "toy.png"), "#000000") > 500


def test_nothing_to_draw_is_still_a_picture(tmp_path: Path) -> None:
    factory.write(tmp_path, Run(truth={}, changes={"status": "failed", "reason": "boom"}))
    (section,) = leaderboard.sections(tmp_path)
    plot_sweep(section, tmp_path / "toy.png")
    assert pixels(tmp_path / "toy.png").shape == (560, 1000, 3)


def test_folder_that_cannot_be_written(section: Section, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*toy\.png"):
        plot_sweep(section, tmp_path / "file/toy.png")


def test_matplotlib_and_pandas_are_not_loaded_for_the_page(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from benchmark import leaderboard; import benchmark.leaderboard.plots;"
        "leaderboard.build(Path(sys.argv[1])); print({'matplotlib', 'pandas', 'torch'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "set()"


def test_variants_of_one_criterion_are_told_apart(tmp_path: Path) -> None:
    """Every line of a criterion has its own dashes; its standard alone is solid with filled marks."""
    from benchmark.leaderboard.plots import _drawn

    variants = ("magnitude", "magnitude-local", "magnitude-oneshot", "magnitude-finetune", "magnitude-masked")
    factory.write_all(tmp_path, dict.fromkeys(variants, falling(5)), seeds=1, world=World(sources=10))
    (section,) = leaderboard.sections(tmp_path)
    lines = {line.get_label(): line for line in _drawn(section).axes[0].get_lines()}
    assert len({str(lines[v]._unscaled_dash_pattern) for v in variants}) == len(variants)
    assert {lines[v].get_color() for v in variants} == {COLOURS[0]}
    assert [lines[v].get_markerfacecolor() == "white" for v in variants] == [False, *[True] * 4]


def test_svg_is_the_same_for_the_same_section(section: Section) -> None:
    from benchmark.leaderboard.plots import svg

    assert svg(section) == svg(section)
    assert b"magnitude-finetune" in svg(section)
