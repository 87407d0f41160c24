"""How names, units and numbers are shown: axis labels come from the declarations of traits and metrics."""

from __future__ import annotations

import math

from packsim.scenario.traits import TRAITS
from packsim.scenario.units import suffix

# signs that readers expect instead of the plain-text units of the declarations
_SIGNS = {
    "1": "",
    "1/h": "C",
    "A.h": "Ah",
    "W.h": "Wh",
    "d": "days",
    "degC": "°C",
    "mOhm": "mΩ",
    "mV/d": "mV/day",
    "uA": "µA",
}
_ACRONYMS = {"dcir": "DCIR", "soc": "SOC", "ocv": "OCV", "cv": "spread (CV)", "k": "K", "sd": "SD"}
_JOINED = {
    "over discharge": "over-discharge",
    "under charge": "under-charge",
    " every group": ", every group watched",
    " pack only": ", only the pack watched",
}
_TRAIT_NAMES = {trait.name for trait in TRAITS}
MINUS = "\N{MINUS SIGN}"


def unit_text(unit: str) -> str:
    """The unit as readers write it; empty for pure numbers. `A.h` -> `Ah`."""
    return _SIGNS.get(unit, unit)


def spoken(name: str) -> str:
    """A declared name without its unit, in words. `shipped_dcir_cv_pct` -> `shipped DCIR spread (CV)`."""
    end = suffix(name)
    stem = name[: -len(end)].rstrip("_") if end and name != end else name
    text = " ".join(_ACRONYMS.get(word, word) for word in (stem or name).split("_"))
    for words, better in _JOINED.items():
        text = text.replace(words, better)
    return text


def axis(meaning: str, unit: str) -> str:
    """Title of an axis. `axis("capacity spread", "%")` -> `capacity spread [%]`."""
    shown = unit_text(unit)
    return f"{meaning} [{shown}]" if shown else meaning


def trait_label(name: str, step: str = "") -> str:
    """A trait (or `state_of_charge`) and the step that sets it, for axes."""
    label = spoken(name) if name in _TRAIT_NAMES else name.replace("_", " ")
    return f"{label} ({step.replace('_', ' ')})" if step else label


def decimals(precision: float, most: int = 6) -> int:
    """Decimals that show `precision` (say, half an interval) with one digit, or two where the first is 1 or 2.

    Negative where even tens are not known: 1,100 -> -2.
    """
    if not math.isfinite(precision) or precision <= 0.0:
        return 0
    exponent = math.floor(math.log10(precision))
    digits = 2 if precision < 2.999999 * 10.0**exponent else 1
    return min(digits - 1 - exponent, most)


def fixed(value: float, places: int, *, signed: bool = False) -> str:
    """A number with thousands separators, a true minus sign and no negative zero; `not counted` for nan."""
    if not math.isfinite(value):
        return "not counted" if math.isnan(value) else ("over all bounds" if value > 0 else "under all bounds")
    text = f"{round(abs(value), places):,.{max(places, 0)}f}"
    nothing = not any(digit in text for digit in "123456789")
    if value < 0 and not nothing:
        return MINUS + text
    return "+" + text if signed and not nothing else text


def figures(value: float, count: int = 3) -> str:
    """A number with `count` significant digits and no trailing zeros of a fraction."""
    if not math.isfinite(value) or value == 0.0:
        return fixed(value, 0)
    text = fixed(value, min(count - 1 - math.floor(math.log10(abs(value))), 12))
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_unit(text: str, unit: str) -> str:
    """A number and its unit with a no-break space."""
    shown = unit_text(unit)
    return f"{text}\N{NO-BREAK SPACE}{shown}" if shown else text
