"""How estimates and differences are said in plain words: digits that the interval deserves, and whether it is real."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from packsim.report.labels import decimals, fixed, with_unit

SPACE = "\N{NO-BREAK SPACE}"


class Change(Protocol):
    """A metric in two runs, as `packsim.study.compare.Difference`; low and high are nan with too few units."""

    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def a(self) -> float: ...  # noqa: D102
    @property
    def b(self) -> float: ...  # noqa: D102
    @property
    def difference(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102
    @property
    def real(self) -> bool: ...  # noqa: D102


class Names(NamedTuple):
    """Two scenarios as sentences call them."""

    a: str
    b: str


def short_names(a: str, b: str) -> Names:
    """The words in which two names differ. `EVE manual line`, `EVE automatic line` -> `manual`, `automatic`."""
    if a == b:
        return Names(f"{a} (first)", f"{b} (second)")
    first, second = a.split(), b.split()
    while first and second and first[0] == second[0]:
        first, second = first[1:], second[1:]
    while first and second and first[-1] == second[-1]:
        first, second = first[:-1], second[:-1]
    short = Names(" ".join(first).strip(",;: "), " ".join(second).strip(",;: "))
    return short if short.a and short.b and short.a != short.b else Names(a, b)


def places(change: Change) -> int:
    """Decimals that a difference deserves: two of its own digits, or one of half its interval if that is finer."""
    half = 0.5000001 * (change.high - change.low)  # a hair more, so that 0.00999... is 0.01
    size = abs(change.difference) or 0.1 * max(abs(change.a), abs(change.b))
    if not math.isfinite(size) or size == 0.0:
        return decimals(half)
    own = 1 - math.floor(math.log10(size))
    if not (math.isfinite(half) and half > 0.0):
        return min(own, 6)
    return min(decimals(half), max(own, -math.floor(math.log10(half))))


def verdict(change: Change) -> str:
    """`real`, `within noise`, `no difference`, `not counted`, or `too few independent lots to say`."""
    if math.isnan(change.difference):
        return "not counted"
    if change.difference == 0.0 and not change.low < change.high:
        return "no difference"
    if math.isnan(change.low) or math.isnan(change.high):
        return "too few independent lots to say"
    return "real" if change.real else "within noise"


def judged(change: Change) -> str:
    """The interval of a difference and its verdict, in brackets."""
    word = verdict(change)
    if word not in ("real", "within noise"):
        return f"({word})"
    if word == "within noise" and (change.low > 0.0 or change.high < 0.0):
        word += " when all metrics are judged together"
    digits = places(change)
    low, high = (fixed(value, digits, signed=True) for value in (change.low, change.high))
    return f"(95{SPACE}% interval {low} to {high}, {word})"


def amount(change: Change) -> str:
    """Size of a difference with its unit, without its sign. `2.2 percentage points`, `120 ppm`."""
    text = fixed(abs(change.difference), places(change))
    if change.unit == "%":
        return f"{text} percentage point{'' if text == '1' else 's'}"
    return with_unit(text, change.unit)


def pair(change: Change) -> str:
    """`from 89.8 % to 92.0 %`."""
    digits = places(change)
    first, second = (with_unit(fixed(value, digits), change.unit) for value in (change.a, change.b))
    return f"from {first} to {second}"


def moves(change: Change, what: str, *, plural: bool = False) -> str:
    """A whole clause: `what` falls or rises by how much, from where to where, and whether that is real."""
    if math.isnan(change.difference):
        return f"{what}: not counted in one of the runs"
    if verdict(change) == "no difference":
        shown = with_unit(fixed(change.a, places(change) if change.a else 0), change.unit)
        return f"{what} {'stay' if plural else 'stays'} at {shown} (no difference)"
    verb = ("fall" if change.difference < 0.0 else "rise") + ("" if plural else "s")
    return f"{what} {verb} by {amount(change)}, {pair(change)} {judged(change)}"


def relative(change: Change) -> str:
    """The difference as a part of the first value, and whether it is real; empty where there is nothing to divide by.

    `a relative change of -4.8 % (95 % interval -5.3 to -4.2, real)`.
    """
    if not change.a or not math.isfinite(change.difference) or change.difference == 0.0:
        return verdict(change)
    parts = [100.0 * x / change.a for x in (change.difference, change.low, change.high)]
    scaled = _Scaled("%", change.a, change.b, parts[0], min(parts[1:]), max(parts[1:]), change.real)
    return f"a relative change of {fixed(scaled.difference, places(scaled), signed=True)}{SPACE}% {judged(scaled)}"


class _Scaled(NamedTuple):
    unit: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    real: bool


def estimate(value: float, low: float, high: float, unit: str) -> str:
    """A value with its interval. `92.0 % (95 % interval 91.2 to 92.7 %)`."""
    if math.isnan(value):
        return "not counted"
    if math.isnan(low) or math.isnan(high):
        digits = decimals(0.01 * abs(value)) if value else 0
        return f"{with_unit(fixed(value, digits), unit)} (no interval)"
    digits = decimals(0.5 * (high - low))
    ends = f"{fixed(low, digits)} to {with_unit(fixed(high, digits), unit)}"
    return f"{with_unit(fixed(value, digits), unit)} (95{SPACE}% interval {ends})"


def upper_case(sentence: str) -> str:
    """A sentence with its first letter as a capital."""
    return sentence[:1].upper() + sentence[1:]
