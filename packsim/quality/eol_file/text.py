"""Bytes of a file become rows of fields that remember their lines. Splitting into fields is the standard library's csv."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from packsim.quality.eol_file.errors import EolFileError, at, shown

MAX_BYTES = 1 << 30
DELIMITERS = ("\t", ";", "|", ",")  # a decimal comma makes the last one the least telling
SAMPLE = 200  # rows that decide the delimiter
SPLITS = 0.8  # of these rows must agree
_CHINESE = ("容量", "电压", "内阻", "自放电", "批", "电芯", "电池", "条码", "时间")
_TEXT = "a text file (CSV) in UTF-8, UTF-16, GB 18030 or Windows-1252; save a spreadsheet as CSV"


class Row(NamedTuple):
    """Fields of one record and the line on which it ends."""

    line: int
    fields: list[str]


class Text(NamedTuple):
    """The rows that are not blank, and how they were read."""

    rows: list[Row]
    encoding: str
    delimiter: str


def read_rows(path: str | os.PathLike[str], delimiter: str | None) -> Text:
    """Rows of a file; blank lines and lines that begin with # are left out.

    Raises:
        EolFileError: no such file, empty, binary, too large, or quotes that do not close.
    """
    name = os.fspath(path)
    text, encoding = _decoded(name, _bytes(name))
    if not text.strip():
        raise EolFileError(f"{name}: given an empty file; allowed: a header line and at least 30 cells")
    mark = delimiter or _delimiter(text)
    return Text(_rows(name, text, mark), encoding, mark)


def _bytes(name: str) -> bytes:
    path = Path(name)
    try:
        if path.is_dir():
            raise EolFileError(f"{name}: given a folder; allowed: a file of end-of-line data (CSV)")
        if not path.exists():
            raise EolFileError(f"{name}: given a file that does not exist; allowed: a file of end-of-line data (CSV)")
        if not path.is_file():  # reading a pipe or a device could wait for ever
            raise EolFileError(f"{name}: given something that is no regular file; allowed: a file (CSV)")
        if path.stat().st_size > MAX_BYTES:
            raise EolFileError(f"{name}: given more than {MAX_BYTES} bytes; allowed: up to {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise EolFileError(f"{name}: given a file that cannot be read ({error.strerror}); allowed: a file") from error


def _decoded(name: str, data: bytes) -> tuple[str, str]:
    """The text and its encoding: by a byte-order mark, else UTF-8, GB 18030 (if common Chinese terms come out), 1252."""
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    guesses = [encoding for mark, encoding in marks.items() if data.startswith(mark)]
    if not guesses:
        zeros = [data[start:4096:2].count(0) for start in (0, 1)]
        if max(zeros) > 4 * min(zeros) + 8:
            guesses = ["utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"]
    for encoding in guesses or ["utf-8", "gb18030", "cp1252", "latin-1"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "gb18030" and not any(term in text for term in _CHINESE):
            continue
        bad = next((i for i, c in enumerate(text) if ord(c) < 32 and c not in "\t\r\n\f\x1a"), None)
        if bad is not None:
            line = text.count("\n", 0, bad) + 1
            raise at(name, line, "", f"the control character U+{ord(text[bad]):04X} (binary data)", _TEXT)
        return text.replace("\x1a", ""), encoding
    raise EolFileError(f"{name}: given bytes that are no {' or '.join(guesses)} text; allowed: {_TEXT}")


def _delimiter(text: str) -> str:
    """The delimiter into which most lines split alike; tab, semicolon and bar before the comma."""
    lines = [line for line in text.splitlines()[: 2 * SAMPLE] if line.strip() and not line.startswith("#")][:SAMPLE]
    best, score = ",", 0.0
    for mark in DELIMITERS:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=mark))
        fields, rows = max(((n, k) for n, k in counts.items() if n > 1), key=lambda pair: pair[1], default=(1, 0))
        share = rows / max(len(lines), 1)
        if share >= SPLITS and fields > 1:
            return mark
        if share > score:
            best, score = mark, share
    return best


def _rows(name: str, text: str, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[Row] = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields) and not fields[0].startswith("#"):
                rows.append(Row(reader.line_num, [field.strip() for field in fields]))
    except csv.Error as error:
        raise at(
            name, reader.line_num, "", f"a field that cannot be read ({error})", "fields in closed quotes, or none"
        ) from error
    return rows


def spoken_delimiter(mark: str) -> str:
    """The delimiter in words for errors and reports."""
    return {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}.get(mark, shown(mark))
