"""Text of a column becomes numbers: decimal comma or point, thousands marks where they are unambiguous, missing values."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.quality.eol_file.errors import at, shown

Array = npt.NDArray[np.float64]
MISSING = frozenset({"", "na", "n/a", "#n/a", "#na", "nan", "null", "none", "-", "--", "–", "—", "k.a.", "/"})
_MISSING_WORDS = "'', -, NA, n/a, #N/A, NaN"
_OTHER = {",": ".", ".": ","}
_THOUSANDFOLD = 50.0  # read as thousands, `3,214` would be this far above its column: it is a decimal after all
_SPACES = re.compile(r"[\s\u00a0\u202f'’]")


def missing(texts: pd.Series) -> npt.NDArray[np.bool_]:
    """Which fields stand for no value."""
    found: npt.NDArray[np.bool_] = texts.str.strip().str.lower().isin(MISSING).to_numpy(bool)
    return found


def decimal_mark(name: str, columns: dict[str, pd.Series], lines: npt.NDArray[np.int64], delimiter: str) -> str:
    """The decimal mark of the columns (column -> text), "." or ",".

    A mark followed by three digits may part thousands or decimals; anything else tells. Where nothing tells, a file that is
    not separated by commas and shows commas only has decimal commas; between commas, `1,234` is refused.

    Raises:
        EolFileError: both marks are used for decimals, or `1,234` may be either.
    """
    seen: dict[str, tuple[int, str, str]] = {}
    unsure: tuple[int, str, str] | None = None
    count = {",": 0, ".": 0}
    for column, texts in columns.items():
        bare = texts.str.replace(_SPACES, "", regex=True)
        for mark in (",", "."):
            tells = _tells_decimal(bare, mark)
            count[mark] += int(tells.sum())
            if tells.any():
                place = int(np.flatnonzero(tells)[0])
                first = (int(lines[place]), column, str(texts.iloc[place]))
                seen[mark] = min(seen.get(mark, first), first)
        may = bare.str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").to_numpy(bool)
        if may.any() and unsure is None:
            place = int(np.flatnonzero(may)[0])
            unsure = int(lines[place]), column, str(texts.iloc[place])
    if len(seen) == 2:
        odd = min(count, key=lambda mark: count[mark])
        line, column, text = seen[odd]
        raise at(
            name, line, column, shown(text) + f" beside numbers with a decimal {_word(_OTHER[odd])}",
            "one decimal mark in the whole file, or --decimal",
        )  # fmt: skip
    if seen:
        return next(iter(seen))
    if unsure is not None and delimiter == ",":
        line, column, text = unsure
        raise at(name, line, column, shown(text) + ", thousands or decimals", "--decimal . or --decimal ,")
    return "," if unsure is not None else "."


def _tells_decimal(bare: pd.Series, mark: str) -> npt.NDArray[np.bool_]:
    """Which texts can only be read with `mark` as the decimal mark."""
    m, other = re.escape(mark), re.escape(_OTHER[mark])
    parted = rf"\d{{1,3}}({other}\d{{3}})+{m}\d+|\d{{1,3}}({other}\d{{3}}){{2,}}"  # thousands by the other mark
    unlike = rf"\d+{m}(\d{{1,2}}|\d{{4,}})|{m}\d+|0{m}\d+|\d{{4,}}{m}\d+"  # not as thousands are parted
    number = rf"[+-]?({unlike}|{parted})"
    if mark == ".":  # three digits after a point are decimals, unless the column shows that points part thousands
        points = r"[+-]?(\d{1,3}(\.\d{3}){2,}|\d{1,3}(\.\d{3})+,\d+)"
        if not bare.str.fullmatch(points).to_numpy(bool).any():
            number = rf"[+-]?(\d+{m}\d+|{m}\d+|{parted})"
    found: npt.NDArray[np.bool_] = bare.str.fullmatch(number + r"([eE][+-]?\d+)?").to_numpy(bool)
    return found


def numbers(name: str, column: str, texts: pd.Series, lines: npt.NDArray[np.int64], decimal: str) -> Array:
    """Numbers of a column; nan where missing.

    Raises:
        EolFileError: text that is no number, with its line.
    """
    none = missing(texts)
    bare = texts.str.replace(_SPACES, "", regex=True).str.replace("\N{MINUS SIGN}", "-", regex=False)
    other = _OTHER[decimal]
    parted = bare.str.fullmatch(rf"[+-]?\d{{1,3}}({re.escape(other)}\d{{3}})+({re.escape(decimal)}\d*)?").to_numpy(bool)
    bare = bare.where(~parted, bare.str.replace(other, "", regex=False))
    plain = bare.str.fullmatch(
        rf"[+-]?(\d+({re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)([eE][+-]?\d+)?"
    ).to_numpy(bool)
    bad = ~plain & ~none
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise at(
            name, int(lines[place]), column, shown(str(texts.iloc[place])),
            f"a number with a decimal {_word(decimal)}, or nothing ({_MISSING_WORDS})",
        )  # fmt: skip
    out = np.full(len(texts), np.nan)
    keep = ~none
    out[keep] = bare[keep].str.replace(decimal, ".", regex=False).astype(float).to_numpy(float)
    odd, even = keep & parted, keep & ~parted
    if odd.any() and even.any() and np.median(np.abs(out[odd])) > _THOUSANDFOLD * np.median(np.abs(out[even])):
        place = int(np.flatnonzero(odd)[0])
        text = shown(str(texts.iloc[place])) + f" beside numbers with a decimal {_word(decimal)}"
        raise at(name, int(lines[place]), column, text, "one decimal mark in the whole file, or --decimal")
    if np.isinf(out).any():
        place = int(np.flatnonzero(np.isinf(out))[0])
        raise at(name, int(lines[place]), column, shown(str(texts.iloc[place])), "a finite number")
    return out


def _word(mark: str) -> str:
    return "comma" if mark == "," else "point"
