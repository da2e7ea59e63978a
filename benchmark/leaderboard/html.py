"""The page as one HTML file that needs nothing else: no script, no font and no picture from anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmark.leaderboard.overview import anchor, anchors
from benchmark.leaderboard.plots import svg
from benchmark.leaderboard.summary import Section

if TYPE_CHECKING:
    from markdown_it.token import Token

STYLE = """
:root { color-scheme: light dark; --line: #d8dce1; --soft: #f4f6f8; --page: #fff; --text: #1c2126; --link: #0a58a8;
  --shade: #0003; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4048; --soft: #22272d; --page: #171a1e; --text: #e4e7ea; --link: #7db8f5;
    --shade: #000a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: 1rem 1.5rem 4rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1, h2, h3, h4 { line-height: 1.25; margin: 1.6em 0 .5em; scroll-margin-top: .5rem; }
h2 { border-bottom: 2px solid var(--line); padding-bottom: .2em; }
h3 { margin-top: 2.4em; }
p, ul { max-width: 52rem; }
li { overflow-wrap: anywhere; }
li + li { margin-top: .25em; }
a { color: var(--link); }
code { background: var(--soft); border-radius: 3px; padding: .1em .3em; font-size: .9em; overflow-wrap: anywhere; }
code.word { white-space: nowrap; }
/* A shade at a side where there is more to scroll to: covers move with the table, shades stay. */
.table { overflow-x: auto; margin: .75em 0 1.25em; border: 1px solid var(--line); border-radius: 6px;
  background: linear-gradient(90deg, var(--page) 50%, transparent) 0 0 / 3rem 100% no-repeat local,
    linear-gradient(-90deg, var(--page) 50%, transparent) 100% 0 / 3rem 100% no-repeat local,
    linear-gradient(90deg, var(--shade), transparent) 0 0 / 1rem 100% no-repeat scroll,
    linear-gradient(-90deg, var(--shade), transparent) 100% 0 / 1rem 100% no-repeat scroll, var(--page); }
table { border-collapse: collapse; width: 100%; font-size: .84rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
th, td { padding: .4em .7em; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
td.long { white-space: normal; min-width: 16rem; }
td.middling { white-space: normal; min-width: 6.5rem; }
th { background: var(--soft); white-space: normal; vertical-align: bottom; }
td.name, th.name { position: sticky; left: 0; }
td.name { background: var(--page); }
tr:last-child td { border-bottom: 0; }
tbody tr:hover, tbody tr:hover td.name { background: var(--soft); }
figure { margin: 1em 0; max-width: 62rem; background: #fff; border: 1px solid var(--line); border-radius: 6px; }
figure img { display: block; width: 100%; height: auto; }
@media (max-width: 40rem) {
  body { padding: .5rem .75rem 3rem; font-size: 15px; }
  table { font-size: .78rem; }
  th, td { padding: .35em .5em; }
  td.long { min-width: 12rem; }
  figure { overflow-x: auto; }
  figure img { min-width: 40rem; }
}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Trimbench leaderboard</title>
<style>{style}</style>
</head>
<body>
{body}</body>
</html>
"""
WHOLE = re.compile(r"\[(< )?[-+]?[\d.]+, [-+]?[\d.]+\]|\d %")
"""What is not broken into two lines."""
LONG, MIDDLING = 60, 18
"""Characters from which a cell is broken into lines, wide or less wide."""
NAMES = ("task", "method", "variant", "board", "net")
"""Columns of which the first stays in sight when a table is scrolled."""


def html(markdown: str, sections: Sequence[Section]) -> str:
    """The markdown page as HTML, each table's plot below its heading.

    Parameters
    ----------
    markdown
        What :func:`benchmark.leaderboard.markdown.page` gives; HTML in it is shown and not obeyed.
    sections
        Those of the page, in its order.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Attributes are set on tokens; everything that is written comes from the library's own, escaping renderer.
    tokens = parser.parse(markdown)
    titles = dict(zip(anchors(sections), sections, strict=True))
    seen: dict[str, int] = {}
    body = []
    render = partial(parser.renderer.render, options=parser.options, env={})
    start = column = 0
    header: list[str] = []
    for n, token in enumerate(tokens):
        for child in token.children or ():
            child.content = WHOLE.sub(lambda found: found.group().replace(" ", "\u00a0"), child.content)
            if child.type == "code_inline" and " " not in child.content:
                child.attrSet("class", "word")
        if token.type == "heading_open":
            name = anchor(tokens[n + 1].content)
            number = seen.get(name, 0)
            seen[name] = number + 1
            token.attrSet("id", name if not number else f"{name}-{number}")
        elif token.type == "tr_open":
            column = 0
        elif token.type in ("th_open", "td_open"):
            if token.type == "th_open":
                header = [*(header if column else ()), tokens[n + 1].content]
            named = next((i for i, title in enumerate(header) if title in NAMES), None) == column
            _classify(token, sum(len(child.content) for child in tokens[n + 1].children or ()), named)
            column += 1
        elif token.type in ("table_open", "table_close"):
            cut = n if token.type == "table_open" else n + 1
            body.append(render(tokens[start:cut]))
            body.append('<div class="table" tabindex="0">\n' if token.type == "table_open" else "</div>\n")
            start = cut
        elif token.type == "heading_close" and token.tag == "h3":
            target = str(tokens[n - 2].attrGet("id"))
            if target in titles:
                body.append(render(tokens[start : n + 1]) + _figure(titles[target]))
                start = n + 1
    body.append(render(tokens[start:]))
    return PAGE.format(style=STYLE, body="".join(body))


def _classify(cell: Token, length: int, named: bool) -> None:
    classes = ["name"] if named else []
    if cell.type == "td_open" and length >= (LONG if named else MIDDLING):
        classes.append("long" if length >= LONG else "middling")
    if classes:
        cell.attrSet("class", " ".join(classes))


def _figure(section: Section) -> str:
    """As a picture of its own: what is inside of an image cannot run, and its ids are not the page's."""
    from html import escape

    content = base64.b64encode(svg(section)).decode()
    words = escape(f"Score against parameters left: {section.title}")
    return f'<figure><img alt="{words}" src="data:image/svg+xml;base64,{content}"></figure>\n'
