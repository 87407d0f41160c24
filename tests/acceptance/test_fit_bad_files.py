"""Files that cannot be fitted: each gives one clear line with the place, what was found and what is allowed; exit code 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import packsim as ps
from packsim import cli

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "serial,lot,capacity [mAh],DCIR [mOhm]\n"
NONE = "no column of a known quantity among"
KNOWN = "capacity_ah, dcir_mohm, ocv_v, k_value_mv_per_day"
NUMBER = "a number with a decimal point, or nothing ('', -, NA, n/a, #N/A, NaN)"
ENCODINGS = "a text file (CSV) in UTF-8, UTF-16, GB 18030 or Windows-1252; save a spreadsheet as CSV"


def body(cells: int = 60, lots: int = 4) -> str:
    """Records of a good file."""
    rng = np.random.default_rng(6000)
    return "".join(
        f"C{k:03d},L{k * lots // cells},{2500 + 10 * rng.normal():.1f},{30 + rng.normal():.2f}\n" for k in range(cells)
    )


def line(number: int, text: str) -> str:
    """The good file with another record on this line."""
    lines = (HEAD + body()).splitlines(keepends=True)
    lines[number - 1] = text + "\n"
    return "".join(lines)


# name -> content, options, the line that must come out (after the file's name)
BAD: dict[str, tuple[str | bytes, list[str], str]] = {
    "empty": ("", [], ": given an empty file; allowed: a header line and at least 30 cells"),
    "blank": ("\n \n", [], ": given an empty file; allowed: a header line and at least 30 cells"),
    "header only": (HEAD, [], ":1: given a header and no data below it; allowed: one line a cell, at least 30 cells"),
    "no header": (
        body(),
        [],
        ":1: given no header line (delimiter: comma); allowed: a line of column names above the data, such as "
        "serial;lot;capacity [Ah];DCIR [mOhm]",
    ),
    "no numeric column": (
        "name,operator\n" + "a,b\n" * 40,
        [],
        f":1: given {NONE} 'name', 'operator'; allowed: at least one of {KNOWN}; "
        "name it with --map capacity_ah=COLUMN[:unit]",
    ),
    "ragged": (line(17, "C015,L1,2500.0"), [], ":17: given 3 fields ('C015' ...); allowed: 4, as in the header (line 1)"),
    "one field too many": (
        line(17, "C015,L1,2500.0,30.1,7"), [], ":17: given 5 fields ('C015' ...); allowed: 4, as in the header (line 1)"
    ),
    "text in a numeric column": (
        line(17, "C015,L1,fail,30.1"), [], f":17: column 'capacity [mAh]': given 'fail'; allowed: {NUMBER}"
    ),
    "a value with its unit": (
        line(9, "C007,L0,2500 mAh,30.1"), [], f":9: column 'capacity [mAh]': given '2500 mAh'; allowed: {NUMBER}"
    ),
    "infinite": (line(9, "C007,L0,inf,30.1"), [], f":9: column 'capacity [mAh]': given 'inf'; allowed: {NUMBER}"),
    "two columns of one quantity": (
        "serial,lot,capacity 1 [mAh],capacity 2 [mAh]\n" + body(),
        [],
        ":1: given 2 columns that look like capacity_ah: 'capacity 1 [mAh]', 'capacity 2 [mAh]'; "
        "allowed: one; choose it with --map capacity_ah=COLUMN[:unit]",
    ),
    "one column mapped twice": (
        HEAD + body(),
        ["--map", "capacity_ah=DCIR [mOhm]", "--map", "dcir_mohm=DCIR [mOhm]"],
        "--map: given the column 'DCIR [mOhm]' for capacity_ah and dcir_mohm; allowed: a column each",
    ),
    "unknown unit": (
        HEAD.replace("mAh", "Wh") + body(),
        [],
        ":1: column 'capacity [Wh]': given the unknown unit 'Wh'; allowed: Ah, mAh, As; in the header, a row below it, "
        "or --map capacity_ah=capacity [Wh]:Ah",
    ),
    "no unit": (
        HEAD.replace(" [mAh]", "") + body(),
        [],
        ":1: column 'capacity': given no unit; allowed: Ah, mAh, As; in the header, a row below it, "
        "or --map capacity_ah=capacity:Ah",
    ),
    "megaohms": (
        HEAD.replace("mOhm", "MOhm") + body(),
        [],
        ":1: column 'DCIR [MOhm]': given the unknown unit 'MOhm'; allowed: mOhm, Ohm, uOhm; in the header, a row below it, "
        "or --map dcir_mohm=DCIR [MOhm]:mOhm",
    ),
    "mixed decimal marks": (
        (HEAD + body()).replace(",", ";").replace("C030;L2;2", "C030;L2;2") + "C099;L3;2501,5;30,1\n",
        [],
        ":62: column 'DCIR [mOhm]': given '30,1' beside numbers with a decimal point; "
        "allowed: one decimal mark in the whole file, or --decimal",
    ),
    "thousands or decimals": (
        'serial,lot,capacity [mAh]\n' + "".join(f'C{k},L{k // 20},"2,{k + 400}"\n' for k in range(60)),
        [],
        ":2: column 'capacity [mAh]': given '2,400', thousands or decimals; allowed: --decimal . or --decimal ,",
    ),
    "binary": (
        b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 20,
        [],
        f":1: given the control character U+0003 (binary data); allowed: {ENCODINGS}",
    ),
    "broken UTF-16": (
        b"\xff\xfe" + (HEAD + body()).encode("utf-16-le") + b"\x00\xd8\x41",
        [],
        f": given bytes that are no utf-16 text; allowed: {ENCODINGS}",
    ),
    "duplicate serials": (
        HEAD + body() + "C059,L3,2400.0,31.0\n",
        [],
        ":62: column 'serial': given 'C059' again with other readings (first on line 61); "
        "allowed: every cell once, or --repeat COLUMN for repeated measurements (it may be the serial column)",
    ),
    "negative capacity": (
        line(17, "C015,L1,-2500.0,30.1"), [], ":17: column 'capacity [mAh]': given -2.5 Ah; allowed: a capacity > 0"
    ),
    "zero capacity": (
        line(17, "C015,L1,0,30.1"), [], ":17: column 'capacity [mAh]': given 0 Ah; allowed: a capacity > 0"
    ),
    "too few cells": (HEAD + body(29), [], ": given 29 cells; allowed: at least 30"),
    "lots of one cell": (
        HEAD + body(60, 60), [], ": given 60 lots for 60 cells; allowed: lots of several cells, see --lot and --lot-size"
    ),
    "no lot": (line(17, "C015,,2500.0,30.1"), [], ":17: column 'lot': given no lot; allowed: the lot of every cell"),
    "no serial": (
        line(17, ",L1,2500.0,30.1"),
        [],
        ":17: column 'serial': given no serial number; allowed: the serial number of every cell",
    ),
    "missing mapped column": (
        HEAD + body(),
        ["--map", "ocv_v=OCV:V"],
        ":1: column 'OCV:V': given no such column (delimiter: comma); "
        "allowed: one of 'serial', 'lot', 'capacity [mAh]', 'DCIR [mOhm]'",
    ),
    "missing lot column": (
        HEAD + body(),
        ["--lot", "LOS"],
        ":1: column 'LOS': given no such column (delimiter: comma); "
        "allowed: one of 'serial', 'lot', 'capacity [mAh]', 'DCIR [mOhm]'",
    ),
    "unparsable timestamp": (
        "serial,time,capacity [mAh]\n"
        + "".join(f"C{k},2025-03-{k % 28 + 1:02d} 10:00:00,{2500 + k}\n" for k in range(59))
        + "C59,yesterday,2500\n",
        [],
        ":61: column 'time': given 'yesterday'; allowed: a timestamp such as 2025-03-31 14:05:00 or 31.03.2025 14:05, "
        "in one format, or --lot / --lot-size",
    ),
    "day or month first": (
        "serial,time,capacity [mAh]\n" + "".join(f"C{k},0{k % 9 + 1}/04/2025,{2500 + k}\n" for k in range(60)),
        [],
        ":2: column 'time': given '01/04/2025', day or month first; allowed: 2025-03-31, or --lot / --lot-size",
    ),
    "open quote": (
        HEAD + '"' + body(),
        [],
        ":61: given a field that cannot be read (unexpected end of data); allowed: fields in closed quotes, or none",
    ),
    "column name twice": (
        "serial,lot,capacity [mAh],capacity [mAh]\n" + body(),
        [],
        ":1: column 'capacity [mAh]': given this name twice in the header; allowed: every column name once",
    ),
    "all missing": (
        HEAD.replace("DCIR [mOhm]", "note") + "".join(f"C{k},L0,NA,x\n" for k in range(40)),
        [],
        ":1: column 'capacity [mAh]': given no number at all; allowed: readings, or another column by --map",
    ),
    "all equal": (
        "serial,lot,capacity [mAh]\n" + "".join(f"C{k},L0,2500\n" for k in range(40)),
        [],
        f": given no quantity with readings that differ, of 30 cells or more; allowed: at least one of {KNOWN}",
    ),
    "two ways to lots": (
        HEAD + body(), ["--lot", "lot", "--lot-size", "9"], "--lot and --lot-size: given together; allowed: one of them"
    ),
    "unknown name in a map": (
        HEAD + body(),
        ["--map", "capacity=x"],
        f"--map capacity=x: given an unknown name; allowed: {KNOWN}, serial, lot, roll, time, repeat, quantity, value, unit",
    ),
    "gap without times": (
        HEAD + body(), ["--lot-gap", "8"],
        ":1: given --lot-gap and no column of timestamps; allowed: one, or --map time=COLUMN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_one_clear_line_and_nothing_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, options, said = BAD[name]
    (tmp_path / "eol.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["packsim", "fit", "eol.csv", "--out", "out", *options])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out, err = capsys.readouterr()
    assert stopped.value.code == 2
    assert out == ""
    assert err.splitlines() == [said if said.startswith("--") else "eol.csv" + said]
    assert [path.name for path in tmp_path.iterdir()] == ["eol.csv"]


def test_at_least_ten_kinds(report: object) -> None:
    report("fit: kinds of malformed files that give one clear line each", len(BAD), 10, direction=">=")  # type: ignore[operator]


def test_the_library_raises_the_same_line(tmp_path: Path) -> None:
    path = tmp_path / "eol.csv"
    path.write_text(BAD["ragged"][0], encoding="utf-8")  # type: ignore[arg-type]
    with pytest.raises(ps.EolFileError, match=r"eol\.csv:17: given 3 fields"):
        ps.fit(path)
