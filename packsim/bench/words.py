"""Numbers of a row in words, for the terminal and for pages."""

from __future__ import annotations

import math

from packsim.bench.row import HIGHER, Row

SAME = 0.03  # ratios within it are called the same: two runs of one build differ as much


def number(value: float) -> str:
    """Three digits, or four before the point; a dash where there is none."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"


def bound_words(row: Row) -> str:
    """`>= 60 (goal 100)`."""
    if row.bound is None:
        return ""
    goal = "" if row.goal is None else f" (goal {row.goal:g})"
    return f"{row.better} {row.bound:g}{goal}"


def beside_words(row: Row) -> str:
    """`PyBaMM: 0.16, 370 x (>= 300)`."""
    if row.beside is None:
        return ""
    bound = "" if row.beside.bound is None else f" (>= {row.beside.bound:g})"
    return f"{row.beside.name}: {number(row.beside.value)}, {number(row.beside.ratio)} x{bound}"


def error_words(row: Row) -> str:
    """`capacity 0.002 % (<= 0.01); ...`."""
    return "; ".join(
        f"{error.name} {number(error.value)} {error.unit}".rstrip()
        + ("" if error.bound is None else f" (<= {error.bound:g})")
        for error in row.errors
    )


def verdict(row: Row, ratio: float) -> str:
    """Whether a row got better, by the ratio of its new value to its old one."""
    if not math.isfinite(ratio) or ratio <= 0.0:
        return ""
    if abs(ratio - 1.0) <= SAME:
        return "same"
    return "better" if (ratio > 1.0) == (row.better == HIGHER) else "worse"
