"""The one file: escaped, offline, Plotly once, whole or not at all."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from packsim.report import html, sections
from packsim.report.html import Cell, Figure, Page, Section, Table
from packsim.report.phrases import Names
from packsim.scenario.provenance import Number

ATTACK = "<script>alert(1)</script>"


class Parser(HTMLParser):
    """Collects elements, and addresses that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "data", "action", "srcset")]


def page(text: str = "text") -> Page:
    figure = go.Figure(go.Scatter(x=[1], y=[2], name=text), layout={"height": 300, "title": {"text": text}})
    table = Table((text,), [[Cell(text, "key")], [Cell(text, "number")]], title=text, folded=True)
    part = Section(text, (text, text), [Figure(figure, text)] * 2, [table], notice=text)
    return Page(title=text, headline=text, subtitle=text, sections=[part], footer=text)


def parsed(text: str) -> Parser:
    parser = Parser()
    parser.feed(text)
    return parser


def test_everything_from_a_scenario_is_escaped() -> None:
    harmless, attacked = html.render(page()), html.render(page(ATTACK))
    assert parsed(attacked).tags == parsed(harmless).tags
    assert "alert(1)</script>" not in attacked
    assert "&lt;script&gt;alert(1)" in attacked


def test_attributes_cannot_be_broken_out_of() -> None:
    attack = '" onload="alert(1)'
    assert parsed(html.render(page(attack))).tags == parsed(html.render(page())).tags
    assert 'onload="alert' not in html.render(page(attack))


def test_plotly_is_inlined_once_and_nothing_is_fetched() -> None:
    text = html.render(page())
    found = parsed(text)
    assert found.fetched == []
    assert len(re.findall(r"plotly\.js v\d", text)) == 1
    assert found.tags.count("script") == 2 + 2  # Plotly and the loader; one of data for each of two figures
    assert "default-src 'none'" in text


def test_write_refuses_to_overwrite_until_told(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert html.write(page(), target) == target
    before = target.read_bytes()
    with pytest.raises(FileExistsError):
        html.write(page("other"), target)
    assert target.read_bytes() == before
    html.write(page("other"), target, overwrite=True)
    assert target.read_bytes() != before
    assert os.listdir(tmp_path) == ["report.html"]


def test_write_refuses_folders_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder; allowed"):
        html.write(page(), tmp_path, overwrite=True)
    with pytest.raises(FileNotFoundError):
        html.write(page(), tmp_path / "no" / "report.html")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(_handle: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        html.write(page(), target, overwrite=True)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_numbers_are_told_apart_by_their_source() -> None:
    known = Number("a.x_pct", 98.0, "%", "a paper", True, "limit")
    given, default = (Number(f"a.{k}", 1.5, "1", None, k == "y", "guess") for k in ("y", "z"))
    sourced, assumed = sections.numbers([{n.key: n for n in (known, given, default)}], ("value",))
    assert [row[-1].text for row in sourced.rows] == ["a paper"]
    assert [row[-1].text for row in assumed.rows] == ["assumed", "assumed (default)"]
    assert assumed.folded


def test_only_what_differs_is_listed() -> None:
    table = sections.changes({"same": 1, "x": 17800.0, "gone": True}, {"same": 1, "x": None}, Names("a", "b"))
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["x", "17,800", "not given"],
        ["gone", "yes", "not given"],
    ]
