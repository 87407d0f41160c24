"""Lots of cells: from a column, from gaps in time, or so many cells each."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.quality.eol_file.errors import EolFileError, at, shown
from packsim.quality.eol_file.numerals import missing

Labels = npt.NDArray[np.object_]
Lines = npt.NDArray[np.int64]
_DATES = ("%d.%m.%Y", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%d-%m-%Y", "%Y.%m.%d", "%d.%m.%y")
FORMATS = (
    "ISO8601",
    *(f"{date}{time}" for date in _DATES for time in (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M", "")),
)  # fmt: skip
JUMP = 5.0  # gaps between lots must be this many times those within
FAR = 10.0  # and this many times the median gap
FEWEST_CELLS = 10  # of an automatic lot, on average


def named(name: str, column: str, texts: pd.Series, lines: Lines) -> Labels:
    """Lots as a column names them.

    Raises:
        EolFileError: a record without a lot.
    """
    none = missing(texts)
    if none.any():
        raise at(name, int(lines[np.flatnonzero(none)[0]]), column, "no lot", "the lot of every cell")
    labels: Labels = texts.str.strip().to_numpy(object)
    return labels


def times(name: str, column: str, texts: pd.Series, lines: Lines) -> npt.NDArray[np.float64]:
    """Hours since the first timestamp, of every record.

    Raises:
        EolFileError: a timestamp that is missing or does not follow the format of the others, or days and months unclear.
    """
    best: tuple[int, str] = (-1, "")
    read: dict[str, pd.Series] = {}
    for form in FORMATS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
        good = int(found.notna().sum())
        if good == len(texts):
            read[form] = found
        best = max(best, (good, form), key=lambda pair: pair[0])
    both = [form for form in read if form.startswith(("%m/%d", "%d/%m"))]
    if not read:
        form = best[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bad = pd.to_datetime(texts, format=form, errors="coerce", utc=True).isna().to_numpy(bool)
        place = int(np.flatnonzero(bad)[0])
        allowed = "a timestamp such as 2025-03-31 14:05:00 or 31.03.2025 14:05, in one format, or --lot / --lot-size"
        raise at(name, int(lines[place]), column, shown(str(texts.iloc[place])), allowed)
    if len(both) > 1 and len(read) == len(both):
        text = shown(str(texts.iloc[0]))
        raise at(name, int(lines[0]), column, f"{text}, day or month first", "2025-03-31, or --lot / --lot-size")
    stamp = next(iter(read.values()))
    hours: npt.NDArray[np.float64] = ((stamp - stamp.min()).dt.total_seconds() / 3600.0).to_numpy(float)
    return hours


def by_gap(hours: npt.NDArray[np.float64], threshold: float | None) -> tuple[Labels, float]:
    """Lots in time: a new one where nothing was measured for longer than `threshold` hours (None: found by itself).

    The automatic threshold lies in the widest jump (ratio) between neighbouring sizes of gaps; without a clear jump there
    is one lot. Returns the lots and the threshold (inf where there is one lot).
    """
    order = np.argsort(hours, kind="stable")
    gaps = np.diff(hours[order])
    limit = _threshold(gaps) if threshold is None else threshold
    number = np.zeros(hours.size, np.int64)
    number[order] = np.concatenate([[0], np.cumsum(gaps > limit)])
    return _numbered(number), limit


def _threshold(gaps: npt.NDArray[np.float64]) -> float:
    sizes = np.sort(gaps[gaps > 0.0])
    if sizes.size < 2:
        return float("inf")
    wide = np.arange(1, sizes.size)
    wide = wide[(sizes.size - wide) < gaps.size / FEWEST_CELLS]
    wide = wide[sizes[wide] > FAR * np.median(gaps)]
    if not wide.size:
        return float("inf")
    ratio = sizes[wide] / sizes[wide - 1]
    k = int(np.argmax(ratio))
    return float(np.sqrt(sizes[wide[k]] * sizes[wide[k] - 1])) if ratio[k] > JUMP else float("inf")


def by_size(cell: npt.NDArray[np.int64], size: int) -> Labels:
    """Lots of `size` consecutive cells; `cell` numbers the cells in their order."""
    return _numbered(cell // size)


def check_one(lot: str | None, lot_size: int | None, lot_gap_hours: float | None) -> None:
    """Refuse more than one way to find lots, or one that cannot be."""
    given = [
        key
        for key, value in (("--lot", lot), ("--lot-size", lot_size), ("--lot-gap", lot_gap_hours))
        if value is not None
    ]
    if len(given) > 1:
        raise EolFileError(f"{' and '.join(given)}: given together; allowed: one of them")
    if lot_size is not None and lot_size < 2:
        raise EolFileError(f"--lot-size {lot_size}: allowed: at least 2 cells")
    if lot_gap_hours is not None and not 0.0 < lot_gap_hours < float("inf"):
        raise EolFileError(f"--lot-gap {lot_gap_hours:g}: allowed: a number of hours > 0")


def _numbered(number: npt.NDArray[np.int64]) -> Labels:
    width = len(str(int(number.max(initial=0)) + 1))
    names = np.array([f"lot {k + 1:0{width}d}" for k in range(int(number.max(initial=0)) + 1)], object)
    labels: Labels = names[number]
    return labels
