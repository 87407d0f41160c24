"""Steps of a protocol and their ends as people write them: `Discharge at C/5 for 2 hours or until 3.0 V`.

The grammar is that of PyBaMM's experiment strings, and more ends (docs/protocols.md). Text becomes the keys of a
`protocol.StepModel`; discharge is positive there. Voltages are those of a cell unless the unit says `V pack`; currents and
powers are those of the pack unless the unit says `per cell`; C-rates are of the rated pack.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from packsim.scenario.suggest import hint

CHARGING, EITHER, DISCHARGING = -1, 0, 1  # direction of a step, which says from which side a limit is reached

STEP_FORM = (
    "Charge|Discharge at <C-rate, A or W>, Hold at <V>, or Rest; then `for <time>`, `until <end> or <end>`, or both, "
    "e.g. `Discharge at C/5 for 2 hours or until 3.0 V`"
)
END_FORM = (
    "a voltage (`3.0 V`, `350 V pack`, `any group 4.2 V`, each also with above or below), a current (`C/50`, `0.5 A`), "
    "a charge (`2 Ah`), `80 % SOC` or `45 degC`"
)
_RATES = {"C": 1.0}
_CURRENTS = {"A": 1.0, "mA": 1e-3, "kA": 1e3}
_POWERS = {"W": 1.0, "mW": 1e-3, "kW": 1e3, "MW": 1e6}
_VOLTAGES = {"V": 1.0, "mV": 1e-3}
_CHARGES = {"Ah": 1.0, "A.h": 1.0, "mAh": 1e-3}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0}
_SECONDS |= {"hour": 3600.0, "d": 86_400.0, "day": 86_400.0}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT = re.compile(rf"({_NUMBER})\s*(.*)")
_PERIOD = re.compile(r"\s*\([^()]* period\)$")  # PyBaMM's recording period: not ours to keep
_CLAUSE = re.compile(r"\s+(?:or\s+)?(for|until)\s+", re.IGNORECASE)
_SIDE = re.compile(r"(above|below|<=?|>=?)\s*", re.IGNORECASE)
_UNITS = {"rate": _RATES, "current": _CURRENTS, "power": _POWERS, "voltage": _VOLTAGES, "charge": _CHARGES}
_TEMPERATURES = ("degC", "°C", "oC")


class TextError(ValueError):
    """Text that is no step or no end. `given` is the part that is wrong, `allowed` what may stand there."""

    def __init__(self, given: str, allowed: str) -> None:
        super().__init__(f"given {given!r}; allowed: {allowed}")
        self.given, self.allowed = given, allowed


class End(NamedTuple):
    """One condition that ends a step: a key of `ENDS` and its value in that key's unit."""

    key: str
    value: float


ENDS = {
    "voltage_below_v": "mean cell voltage",
    "voltage_above_v": "mean cell voltage",
    "pack_voltage_below_v": "pack voltage",
    "pack_voltage_above_v": "pack voltage",
    "group_below_v": "voltage of any group",
    "group_above_v": "voltage of any group",
    "current_below_a": "magnitude of the pack's current",
    "current_per_cell_below_a": "magnitude of the current of a cell",
    "c_rate_below": "magnitude of the current, of the rated pack",
    "throughput_ah": "charge through the pack in this step, both directions counted",
    "throughput_per_cell_ah": "the same, of a cell",
    "soc_below_pct": "state of charge of the pack",
    "soc_above_pct": "state of charge of the pack",
    "temperature_above_degc": "temperature of any cell",
}


class _Quantity(NamedTuple):
    kind: str  # rate, current, power, voltage, charge
    value: float
    per: str  # "", "cell", "pack"


def step(text: str) -> dict[str, Any]:
    """The keys of a `StepModel` for one step as text.

    Raises:
        TextError: what is no step, with what is allowed in its place.
    """
    plain = _PERIOD.sub("", " ".join(text.split()))
    if plain.lower().endswith((" for", " until", " or")):
        raise TextError(text, STEP_FORM)
    head, *clauses = _CLAUSE.split(plain)
    keys, direction = _control(head, text)
    for word, words in zip(clauses[::2], clauses[1::2], strict=True):
        if word.lower() == "for":
            if "for_s" in keys:
                raise TextError(text, "one `for <time>`")
            keys["for_s"] = seconds(words)
        else:
            keys.setdefault("until", []).extend(re.split(r"\s+or\s+", words, flags=re.IGNORECASE))
    for words in keys.get("until", []):
        end(words, direction)
    if "for_s" not in keys and "until" not in keys:
        raise TextError(text, "a step with `for <time>` or `until <end>`, else it would never end")
    return keys


def _control(head: str, text: str) -> tuple[dict[str, Any], int]:
    """What a step holds, and its direction."""
    word, *amounts = re.split(r"\s+at\s+", head, maxsplit=1, flags=re.IGNORECASE)
    word = word.strip().lower()
    if word == "rest" and not amounts:
        return {"rest": True}, EITHER
    if word not in ("charge", "discharge", "hold") or not amounts:
        raise TextError(text, STEP_FORM + hint(head.split(" ")[0], ("Charge", "Discharge", "Hold", "Rest")))
    amount = amounts[0]
    quantity = _quantity(amount)
    if word == "hold":
        if quantity.kind != "voltage":
            raise TextError(amount, "a voltage to hold, e.g. `4.2 V` (of a cell) or `350 V pack`")
        return {_key("voltage", "v", quantity.per, of_pack=False): quantity.value}, EITHER
    direction = DISCHARGING if word == "discharge" else CHARGING
    if quantity.kind == "rate":
        return {"c_rate": direction * quantity.value}, direction
    if quantity.kind in ("current", "power"):
        unit = "a" if quantity.kind == "current" else "w"
        return {_key(quantity.kind, unit, quantity.per, of_pack=True): direction * quantity.value}, direction
    allowed = "a C-rate (`C/5`, `1C`), a current (`20 A`) or a power (`5 kW`)"
    raise TextError(amount, allowed + ("; a voltage is held: `Hold at`" if quantity.kind == "voltage" else ""))


def _key(stem: str, unit: str, per: str, *, of_pack: bool) -> str:
    """Name of the key: what is no suffix is the pack's (`of_pack`) or the cell's."""
    if of_pack:
        return f"{stem}_per_cell_{unit}" if per == "cell" else f"{stem}_{unit}"
    return f"pack_{stem}_{unit}" if per == "pack" else f"{stem}_{unit}"


def seconds(text: str) -> float:
    """A time with its unit in seconds.

    Raises:
        TextError: no positive number, or an unknown unit.
    """
    found = _AMOUNT.fullmatch(text.strip())
    unit = found.group(2) if found else ""
    name = unit.lower() if unit.lower() in _SECONDS else unit.lower().removesuffix("s")
    if found is None or name not in _SECONDS or not 0.0 < float(found.group(1)) < math.inf:
        raise TextError(text, "a time > 0 in s, min, h or days, e.g. `30 minutes`")
    return float(found.group(1)) * _SECONDS[name]


def end(text: str, direction: int = EITHER) -> End:
    """One end of a step that goes in `direction` (a falling voltage ends a discharge, a rising one a charge).

    Raises:
        TextError: no end, or above|below is missing where the direction does not say it.
    """
    words = " ".join(text.split())
    group = re.match(r"any group\s+", words, re.IGNORECASE)
    rest = words[group.end() :] if group else words
    soc = re.fullmatch(r"(?:SOC\s+)?(.*?)\s*%(?:\s*SOC)?", rest, re.IGNORECASE)
    if soc and not group and "soc" in rest.lower():
        side, number = _sided(soc.group(1), direction, text)
        value = _number(number, text)
        if not 0.0 <= value <= 100.0:
            raise TextError(text, "0 to 100 % SOC")
        return End(f"soc_{side}_pct", value)
    for unit in _TEMPERATURES:
        if rest.endswith(unit) and not group:
            side, number = _sided(rest.removesuffix(unit), CHARGING, text)
            if side == "below":
                raise TextError(text, "a temperature that is reached from below, e.g. `45 degC`")
            return End("temperature_above_degc", _number(number, text))
    return _electric_end(rest, direction, text, group is not None)


def _electric_end(words: str, direction: int, text: str, group: bool) -> End:
    explicit = _SIDE.match(words)
    quantity = _quantity(words[explicit.end() :] if explicit else words, END_FORM)
    if quantity.kind == "voltage":
        side, _ = _sided(words, direction, text)
        if group and quantity.per == "pack":
            raise TextError(text, "any group's voltage, e.g. `any group 4.2 V`")
        stem = "group" if group else "pack_voltage" if quantity.per == "pack" else "voltage"
        return End(f"{stem}_{side}_v", quantity.value)
    above = explicit is not None and explicit.group(1).lower()[0] in "a>"
    if group or quantity.kind == "power":
        raise TextError(text, END_FORM)
    if quantity.kind == "charge":
        if explicit is not None:
            raise TextError(text, "a charge that is reached, e.g. `2 Ah`")
        return End("throughput_per_cell_ah" if quantity.per == "cell" else "throughput_ah", quantity.value)
    if above:
        raise TextError(text, "a current that the magnitude falls below, e.g. `C/50`")
    if quantity.kind == "rate":
        return End("c_rate_below", quantity.value)
    return End("current_per_cell_below_a" if quantity.per == "cell" else "current_below_a", quantity.value)


def _sided(words: str, direction: int, text: str) -> tuple[str, str]:
    """From which side a limit is reached, and the words after that."""
    found = _SIDE.match(words)
    if found is not None:
        return ("above" if found.group(1).lower()[0] in "a>" else "below"), words[found.end() :]
    if direction == EITHER:
        raise TextError(text, f"`above {words.strip()}` or `below {words.strip()}`, as this step has no direction")
    return ("below" if direction == DISCHARGING else "above"), words


def _number(text: str, whole: str) -> float:
    if re.fullmatch(_NUMBER, text.strip()) is None or not math.isfinite(float(text)):
        raise TextError(whole, END_FORM)
    return float(text)


def _quantity(text: str, form: str = "") -> _Quantity:
    """An amount with its unit.

    Raises:
        TextError: no positive number, or an unknown unit.
    """
    words = text.strip()
    rate = re.fullmatch(rf"C\s*/\s*({_NUMBER})", words)
    if rate:
        words = f"{1.0 / float(rate.group(1)) if float(rate.group(1)) else math.inf!r} C"
    found = _AMOUNT.fullmatch(words)
    value = float(found.group(1)) if found else math.nan
    if found is None:
        raise TextError(text, form or "a number and its unit, e.g. `C/5`, `20 A`, `5 kW`, `4.2 V`")
    unit, _, per = found.group(2).replace("/cell", " per cell").partition(" ")
    per = per.strip().removeprefix("per ").strip()
    for kind, units in _UNITS.items():
        if unit in units:
            if not 0.0 < value * units[unit] < math.inf:
                raise TextError(text, "a number > 0; Charge or Discharge says the direction")
            if per not in ("", "cell", "pack") or (kind == "rate" and per == "cell"):
                raise TextError(text, f"{unit} pack" if kind == "rate" else f"{unit}, {unit} per cell or {unit} pack")
            return _Quantity(kind, value * units[unit], per)
    known = [name for units in _UNITS.values() for name in units]
    raise TextError(text, form or f"one of the units {', '.join(known)}{hint(unit, known)}")
