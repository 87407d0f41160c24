"""One offline HTML file: Plotly's script inlined once, every text escaped, written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Cell:
    """One cell of a table; `kind` is a class of the template: number, real, noise, unsaid, source, assumed."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `folded` hides it behind `title` until it is clicked."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure and how to read it."""

    figure: go.Figure
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading with sentences (as a list where there are several), then figures and tables."""

    title: str
    sentences: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notice: str = ""


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    headline: str
    subtitle: str = ""
    sections: Sequence[Section] = field(default_factory=tuple)
    footer: str = ""


def render(page: Page) -> str:
    """The page as text of an HTML file that needs nothing else."""
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("packsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure_json": _figure_json, "breakable": _breakable}
    return environment.get_template(TEMPLATE).render(page=page, plotly_js=Markup(get_plotlyjs()))


def _figure_json(figure: go.Figure) -> Markup:
    """The figure's JSON for a script element: no `<`, so it cannot end the element."""
    return Markup(str(figure.to_json()).replace("<", "\\u003c"))


def _breakable(text: str) -> Markup:
    """Escaped, with places where a long key may be broken."""
    return escape(text).replace("_", Markup("_<wbr>")).replace(".", Markup(".<wbr>"))


def write(page: Page, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the page to `path` through a temporary file in the same folder.

    Raises:
        IsADirectoryError: `path` is a folder.
        FileNotFoundError: its folder does not exist.
        FileExistsError: it exists and `overwrite` is not given.
        OSError: it cannot be written; what was there stays as it was.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; allowed: a file such as {target / 'report.html'}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: there is no folder {target.parent}")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already")
    text = render(page)
    draft = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target
