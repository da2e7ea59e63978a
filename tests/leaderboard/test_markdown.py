from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import leaderboard, records
from benchmark.errors import UsageError
from benchmark.leaderboard import text
from benchmark.leaderboard.statistics import Interval
from tests.leaderboard import factory
from tests.leaderboard.factory import FLAT, Run, World, at_controls, falling

HOSTILE = (
    "a|b `rm -rf` <script>alert(1)</script> **bold** _em_ [x](http://evil.example) ![i](//e) www.evil.example $x$ "
    "\\| &lt; \n## heading\r\n| --- |\u2028\u202e\ud800 ~~s~~ @name"
)


def tables(page: str) -> list[list[list[str]]]:
    """Every table of the page, as rows of cells."""
    found: list[list[list[str]]] = [[]]
    for line in page.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [t for t in found if t]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    results = tmp_path_factory.mktemp("results")
    truths = {
        "random": falling(8),
        "magnitude": falling(5),
        "narrow": at_controls(0.85),
        "narrow+": at_controls(0.9),
        "narrow-again": at_controls(0.85),
        "magnitude-reinit": at_controls(0.84),
        "dense+": {0: 0.91},
    }
    factory.write_all(results, truths, world=World(sources=60, item_sd=0.01))
    hole = Run("gradient", 1, dict.fromkeys(range(6), 0.9), World(sources=60), {"status": "partial"})
    factory.write(results, hole)
    factory.write(results, Run("gradient", 0, FLAT, World(sources=60)))
    factory.write(results, Run(profile="smoke"))
    return leaderboard.build(results)


def section_tables(page: str) -> list[list[list[str]]]:
    """Those of the only section."""
    return tables(page[page.index("### toy") :])


class TestPage:
    def test_tables_with_all_that_belongs_to_them(self, page: str) -> None:
        sweeps, variants, controls, curve, claims = section_tables(page)
        assert [r[:4] for r in variants[2:]] == [["magnitude-reinit", "magnitude", "3", "3"]]
        assert [r[5] for r in variants[2:]] == ["better"]
        assert claims[0] == ["", "claim", "verdict", "difference", "n", "measured as"]
        assert [r[1] for r in sweeps[2:]] == ["random", "magnitude", "gradient"]
        assert [r[0] for r in sweeps[2:]] == ["1", "2", "–"]  # noqa: RUF001
        assert controls[0][3:6] == ["24.0 % left", "5.76 % left", "1.38 % left"]
        assert {r[0] for r in controls[2:]} == {
            *("random", "magnitude", "gradient", "narrow", "narrow-again", "narrow+", "magnitude-reinit")
        }
        assert curve[0][:4] == ["method", "100 %", "70.0 %", "49.0 %"]
        assert len(curve[0]) == 17
        assert all(len(row) == len(table[0]) for table in (sweeps, controls, curve) for row in table)

    def test_row_of_the_first(self, page: str) -> None:
        _, method, n, status, dense, removed, *rest = section_tables(page)[0][2]
        assert (method, n, status, removed) == ("random", "3", "complete", "94.24 %")
        assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", dense)
        assert rest[:4] == ["57.6 k", "1.15 M", "231 k", "0.06 [0.05, 0.06]"]

    def test_masked_row_is_marked_and_has_no_cost_of_its_own(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": falling(3), "random-masked": falling(8)}, world=World(sources=60))
        row = section_tables(leaderboard.build(tmp_path))[0][3]
        assert row[:4] == ["–", "random-masked", "3", "complete"]  # noqa: RUF001
        assert row[5:10] == ["94.24 % masked", "as dense", "as dense", "as dense", "1.00 [0.90, 1.10]"]

    def test_partly_masked_row_shows_what_it_costs(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": falling(3)}, world=World(sources=60))
        for seed in range(3):
            factory.write(tmp_path, Run("random-hybrid", seed, falling(8), World(sources=60)))
        row = section_tables(leaderboard.build(tmp_path))[0][3]
        assert row[1] == "random-hybrid"
        assert row[5:7] == ["94.24 % partly masked", "57.6 k"]

    def test_summary_has_a_row_that_leads_to_the_table(self, page: str) -> None:
        summary = tables(page)[0]
        (row,) = summary[2:]
        assert row[:6] == ["[toy](#toy-made-quick)", "made", "quick", "3", "60", "1.00 M"]
        assert row[7] == "94.24 % (random)"
        assert row[8].startswith("magnitude -0.020 [")

    def test_partial_data_are_named(self, tmp_path: Path) -> None:
        manifest = {"missing": [f"{n}.mp3: empty | (0 bytes)" for n in range(7)]}
        factory.write(tmp_path, Run(changes={"data": {"digest": "d", "manifest": manifest}}))
        page = leaderboard.build(tmp_path)
        assert "| made (without 7 files) |" in page
        assert "**Partial data**: without 7 files that could not be used: 0.mp3: empty &#124; (0 bytes);" in page
        assert "4.mp3: empty &#124; (0 bytes); and 2 more." in page
        assert "5.mp3" not in page

    def test_rendered_data_come_before_recordings(self, tmp_path: Path) -> None:
        run = Run()
        items = factory.items(run)
        made = factory.record(run, items)
        for task, data in (("chords", "rendered"), ("chords", "beatles"), ("toy", "made"), ("drums", "rendered")):
            records.write(tmp_path, replace(made, run=replace(made.run, task=task, data=data)), items)
        page = leaderboard.build(tmp_path)
        assert re.findall(r"^##+ (?:Rendered|Record|Data|[a-z]).*$", page, re.M) == [
            *("## Rendered data", "### chords, rendered, quick", "### drums, rendered, quick"),
            *("## Recordings", "### chords, beatles, quick"),
            *("## Data sets of tasks that are not installed here", "### toy, made, quick"),
        ]
        assert [row[0] for row in tables(page)[0][2:]] == [
            *("[chords](#chords-rendered-quick)", "[drums](#drums-rendered-quick)"),
            *("[chords](#chords-beatles-quick)", "[toy](#toy-made-quick)"),
        ]

    def test_hole_is_shown_with_its_count(self, page: str) -> None:
        gradient = next(r for r in section_tables(page)[3] if r[0] == "gradient")
        assert gradient[6] != "missing (1 of 2)"
        assert gradient[7:] == ["missing (1 of 2)"] * 10

    def test_reference_line(self, page: str) -> None:
        (line,) = (line for line in page.splitlines() if line.startswith("Reference: "))
        assert "1.00 M parameters, score 0.898 [" in line
        assert "3 seeds (0, 1, 2); test sources by seed 60, 60, 60; gain by more steps (dense+) +0.0" in line
        assert re.search(r"training noise of one net 0\.\d{4} \(sd, 9 pairs\)", line)
        assert line.endswith("Measured on Toy CPU, torch 2.13.0.")

    def test_smoke_is_counted_and_nothing_else(self, page: str) -> None:
        assert page.count("## toy, made") == 1
        assert page.endswith("Left out: 1 record of the smoke profile, which shows only that the code runs.\n")

    def test_says_how_it_is_made(self, page: str) -> None:
        assert "`python -m benchmark leaderboard`" in page
        assert "**Lossless**" in page
        assert "**Intervals**" in page

    def test_no_results_is_a_page_that_says_how_to_run(self, tmp_path: Path) -> None:
        page = leaderboard.build(tmp_path)
        assert page.startswith("# Leaderboard\n")
        assert "python -m benchmark run --task" in page
        assert leaderboard.sections(tmp_path) == []

    def test_a_folder_that_is_not_there_is_no_page(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is no folder of records; name one with --results"):
            leaderboard.build(tmp_path / "resuls")

    def test_lies_beside_the_results(self, tmp_path: Path) -> None:
        assert leaderboard.path_of(tmp_path / "results") == tmp_path / "leaderboard.md"

    def test_one_seed_says_that_intervals_are_of_sources(self, tmp_path: Path) -> None:
        factory.write(tmp_path, Run())
        assert "1 seed (0); intervals from sources only" in leaderboard.build(tmp_path)

    def test_only_controls_so_far(self, tmp_path: Path) -> None:
        factory.write(tmp_path, Run("narrow", truth=at_controls(0.8)))
        page = leaderboard.build(tmp_path)
        assert "Undecided: no sweep is complete." in page
        assert "Reference: dense score missing" in page


class TestHostileText:
    def test_nothing_breaks_out(self, tmp_path: Path) -> None:
        """To a markdown parser, what records say is plain text, and tables and headings are as without it."""
        markdown_it = pytest.importorskip("markdown_it")
        factory.write(tmp_path, Run())
        changes = {
            "status": "failed",
            "reason": HOSTILE,
            "warnings": (HOSTILE,),
            "environment": {"cpu": HOSTILE, "packages": {"torch": "<b>"}, "gpus": ["|", "[a]: //e"]},
        }
        factory.write(tmp_path, Run("magnitude", changes=changes))
        page = leaderboard.build(tmp_path)
        page.encode()
        assert "://" not in page
        assert "www." not in page
        assert all(len(row) == len(table[0]) for table in tables(page) for row in table)
        parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
        tokens = parser.parse(page[page.index("## toy") :])
        ours = "python -m benchmark fit --task toy --fill"
        every = [inner for token in tokens for inner in (token, *(token.children or ()))]
        flat = [token for token in every if token.content != ours]
        kinds = {token.type for token in flat}
        assert {"table_open", "list_item_open", "heading_open", "text"} <= kinds
        assert not kinds & {
            *("html_inline", "html_block", "link_open", "image", "code_inline", "code_block", "fence"),
            *("strong_open", "em_open", "s_open", "hr", "hardbreak", "lheading_open"),
        }
        assert sum(token.type == "heading_open" for token in flat) == 4
        assert sum(token.type == "table_open" for token in flat) == 2
        shown = "".join(token.content for token in flat if token.type == "text_special" or token.type == "text")
        assert "`rm -rf` <script>alert(1)</script> **bold** _em_ [x](http://" in shown

    def test_rules_are_shown_as_they_are(self, tmp_path: Path) -> None:
        factory.write(tmp_path, Run(changes={"protocol": {"version": "<i>1|</i>"}}))
        assert "protocol version &#60;i&#62;1&#124;&#60;/i&#62;." in leaderboard.build(tmp_path)

    @given(st.text())
    def test_safe_text_has_no_live_mark(self, foreign: str) -> None:
        shown = text.safe(foreign)
        shown.encode()
        assert not re.search(r"[<>|`*\\~$\n\r]|\]\(|://|&(?!#\d+;)", shown)
        assert len(shown.splitlines()) <= 1

    def test_safe_text_reads_as_it_was(self) -> None:
        import html

        assert html.unescape(text.safe("a|b <i> weight_norm [1, 2]")) == "a|b <i> weight_norm [1, 2]"
        assert text.safe("seed 1 failed: no memory; weight_norm [+0.1, +0.2]").count("&") == 0

    def test_long_text_is_cut(self) -> None:
        assert len(text.safe("x" * 5000)) == text.MAX_TEXT


class TestFigures:
    @pytest.mark.parametrize(("tolerance", "places"), [(0.02, 3), (0.01, 3), (0.5, 2), (5.0, 1), (100.0, 0), (0.0, 4)])
    def test_one_digit_finer_than_the_tolerance(self, tolerance: float, places: int) -> None:
        assert text.decimals(tolerance) == places

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            *[(0, "0"), (7, "7"), (999, "999"), (999.6, "1.00 k"), (1000, "1.00 k"), (79104, "79.1 k")],
            *[(999_499, "999 k"), (999_600, "1.00 M"), (1_368_116, "1.37 M"), (2.5e9, "2.50 G"), (3.25e12, "3.25 T")],
        ],
    )
    def test_amounts(self, value: float, shown: str) -> None:
        assert text.amount(value) == shown

    @pytest.mark.parametrize(
        ("fraction", "shown"),
        [(1.0, "100 %"), (0.0, "0 %"), (0.7, "70.0 %"), (0.24, "24.0 %"), (0.0576, "5.76 %"), (0.9953, "99.53 %")],
    )
    def test_percent(self, fraction: float, shown: str) -> None:
        assert text.percent(fraction) == shown

    def test_no_negative_zero(self) -> None:
        assert text.change(Interval(-1e-9, -0.0004, 0.0, (0.0,)), 3) == "+0.000 [+0.000, +0.000]"
        assert text.number(-1e-9, 2) == "0.00"
