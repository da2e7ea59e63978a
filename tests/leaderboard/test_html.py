from __future__ import annotations

import base64
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmark import leaderboard
from benchmark.errors import UsageError
from benchmark.leaderboard.html import html
from benchmark.leaderboard.overview import anchor
from tests.leaderboard import factory
from tests.leaderboard.factory import Run, World, at_controls, falling
from tests.leaderboard.test_markdown import HOSTILE


class Elements(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [
            str(attributes[attribute]) for name, attributes in self.found if name == tag and attribute in attributes
        ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    truths = {"random": falling(8), "magnitude": falling(5), "narrow+": at_controls(0.9)}
    factory.write_all(folder / "results", truths, world=World(sources=20))
    changes = {"status": "failed", "reason": HOSTILE, "warnings": (HOSTILE,)}
    factory.write(folder / "results", Run("gradient", world=World(sources=20), changes=changes))
    leaderboard.write_html(folder / "results", folder / "page.html")
    assert [p.name for p in folder.iterdir() if p.is_file()] == ["page.html"]
    return (folder / "page.html").read_text(encoding="utf-8")


def test_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    elements = Elements(page)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert all(not name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in elements.values("img", "src"))
    assert all(link.startswith("#") for link in elements.values("a", "href"))
    assert "default-src 'none'" in elements.values("meta", "content")[1]
    assert "url(" not in page
    assert "@import" not in page


def test_says_what_the_markdown_page_says(page: str) -> None:
    elements = Elements(page)
    assert [tag for tag, _ in elements.found if tag == "h1"] == ["h1"]
    for words in ("Summary", "What the papers claim", "toy, made, quick", "Held within 0.02 of dense", "94.24 %"):
        assert words in elements.text.replace("\u00a0", " ")
    assert "<script>alert(1)</script> **bold** _em_" in elements.text


def test_links_lead_to_headings_that_are_there_once(page: str) -> None:
    elements = Elements(page)
    ids = [str(attributes["id"]) for _, attributes in elements.found if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = elements.values("a", "href")
    assert links == ["#toy-made-quick"]
    assert {link[1:] for link in links} <= set(ids)


def test_plot_is_an_svg_with_the_words_of_the_section(page: str) -> None:
    (source,) = Elements(page).values("img", "src")
    picture = ET.fromstring(base64.b64decode(source.partition(",")[2]))
    assert picture.tag.endswith("svg")
    words = " ".join("".join(element.itertext()) for element in picture.iter() if element.tag.endswith("text"))
    assert "toy, made, quick: reference of 1.00 M parameters" in words
    assert "narrow+" in words


def test_every_table_scrolls_by_itself(page: str) -> None:
    assert page.count("<table>") == page.count('<div class="table" tabindex="0">\n<table>')
    assert page.count("<table>") == len(re.findall(r"</table>\n</div>", page)) > 4


def test_same_records_same_bytes(tmp_path: Path) -> None:
    factory.write_all(tmp_path / "results", {"random": falling(3)}, world=World(sources=20))
    for name in ("a.html", "b.html"):
        leaderboard.write_html(tmp_path / "results", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_html_in_markdown_is_shown_not_obeyed() -> None:
    assert "<p>&lt;b&gt;x&lt;/b&gt;</p>" in html("<b>x</b>\n", [])


def test_names_stay_in_sight_and_words_of_code_whole() -> None:
    named = "| n | method | net |\n|---|---|---|\n| 1 | magnitude-local-finetune | dense |\n"
    other = "| claim |\n|---|\n| `-finetune` and `python -m x` |\n"
    elements = Elements(html(f"{named}\n{other}", []))
    assert elements.values("td", "class") == ["name", "middling"]
    assert elements.values("th", "class") == ["name"]
    assert elements.values("code", "class") == ["word"]


def test_no_results_is_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    leaderboard.write_html(tmp_path / "results", tmp_path / "page.html")
    assert "There are no ranked results yet" in (tmp_path / "page.html").read_text()


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*page\.html"):
        leaderboard.write_html(tmp_path / "results", tmp_path / "file" / "page.html")


def test_figures_of_every_table(tmp_path: Path) -> None:
    factory.write_all(tmp_path / "results", {"random": falling(3)}, seeds=1, world=World(sources=20))
    factory.write(tmp_path / "results", Run(profile="full"))
    paths = leaderboard.write_figures(tmp_path / "results", tmp_path / "figures")
    assert [p.name for p in paths] == ["toy-made-full.png", "toy-made-quick.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


@pytest.mark.parametrize(
    ("title", "target"),
    [("chords, rendered, quick", "chords-rendered-quick"), ("a, mdb_drums, b.c+d-e", "a-mdb_drums-bcd-e")],
)
def test_anchors_are_those_of_the_forge(title: str, target: str) -> None:
    assert anchor(title) == target


def test_page_is_made_without_torch(tmp_path: Path) -> None:
    """Of tasks that are not installed here; to say what a task's data are, the task is asked."""
    import subprocess

    factory.write_all(tmp_path / "results", {"random": falling(3)}, seeds=1, world=World(sources=20))
    code = (
        "import sys; from pathlib import Path; from benchmark import leaderboard;"
        f"leaderboard.build(Path({str(tmp_path / 'results')!r})); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_command_writes_page_html_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmark.cli import main

    factory.write_all(tmp_path / "results", {"random": falling(3)}, seeds=1, world=World(sources=20))
    options = ["--html", str(tmp_path / "web/page.html"), "--figures", str(tmp_path / "plots")]
    assert main(["leaderboard", "--results", str(tmp_path / "results"), *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"wrote {tmp_path / name}" for name in ("leaderboard.md", "web/page.html", "plots/toy-made-quick.png")
    ]
    assert all(Path(line.removeprefix("wrote ")).is_file() for line in said)
