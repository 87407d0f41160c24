"""Tables in docs: text between `<!-- name -->` and `<!-- /name -->` is replaced by what a script measured."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def place(page: str, name: str, text: str) -> None:
    """Put `text` between the markers of `name` in docs/`page`."""
    path, begin, end = ROOT / "docs" / page, f"<!-- {name} -->", f"<!-- /{name} -->"
    head, found, rest = path.read_text(encoding="utf-8").partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"docs/{page} has no markers {begin} ... {end}")
    path.write_text(f"{head}{begin}\n{text.rstrip()}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
    print(f"wrote the table {name} of docs/{page}")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
