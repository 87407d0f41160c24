"""What a pack is put through: steps in words (as PyBaMM's experiments) or as mappings, and drive cycles.

    Discharge at C/5 for 2 hours or until 3.0 V            Charge at 20 A until any group 4.2 V
    Hold at 4.2 V until C/20                               Rest for 30 minutes
    Discharge at 5 kW until 20 % SOC                       Charge at 0.5C until 45 degC

Rates and currents are of the rated pack, powers of the whole pack, voltages per cell: of the pack's mean, or of `any
group`. The limits of the battery management system apply on top of what a step says.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from packsim.scenario.base import Model, require

Kind = Literal["current", "voltage", "power", "rest", "profile_current", "profile_power"]
INF = float("inf")


class Limit(NamedTuple):
    """One end of a step: `what` is v, group_v, a, c_rate, ah, soc_pct, degc."""

    what: str
    value: float


class Step(NamedTuple):
    """One step in plain numbers; discharge is positive. `unit` of the value: a, c_rate, w, v, or "" (rest, profile)."""

    kind: Kind
    value: float = 0.0
    unit: str = ""
    duration_s: float = INF
    until: tuple[Limit, ...] = ()
    profile: str = ""  # file with columns time_s and `column`
    column: str = ""
    scale: float = 1.0
    linear: bool = False


class ProtocolError(ValueError):
    """A step that cannot be read; the message is one line."""


_NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|[-+]?\.\d+)"
_TIMES = {
    "s": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}
_RATE = re.compile(rf"(?:C\s*/\s*{_NUMBER}|{_NUMBER}\s*C)$", re.IGNORECASE)
_QUANTITY = re.compile(rf"{_NUMBER}\s*([a-zA-Z%]+(?:\s+SOC)?)$")
_UNITS = {
    "a": ("a", 1.0), "ma": ("a", 1e-3), "w": ("w", 1.0), "kw": ("w", 1e3), "mw": ("w", 1e-3), "v": ("v", 1.0), "mv": ("v", 1e-3),
    "ah": ("ah", 1.0), "mah": ("ah", 1e-3), "% soc": ("soc_pct", 1.0), "degc": ("degc", 1.0),
}  # fmt: skip
EXAMPLES = "for example 'Discharge at C/5 until 3.0 V', 'Charge at 20 A for 1 hour', 'Hold at 4.2 V until C/20', 'Rest for 30 minutes'"


def quantity(text: str) -> Limit | None:
    """A number with its unit, or None."""
    text = " ".join(text.split())
    rate = _RATE.match(text)
    if rate is not None:
        value = 1.0 / float(rate.group(1)) if rate.group(1) and float(rate.group(1)) else float(rate.group(2) or 0.0)
        return Limit("c_rate", value)
    found = _QUANTITY.match(text)
    if found is None or found.group(2).lower() not in _UNITS:
        return None
    what, factor = _UNITS[found.group(2).lower()]
    return Limit(what, float(found.group(1)) * factor)


def seconds(text: str) -> float | None:
    """A length of time such as `30 minutes`, or None."""
    found = re.fullmatch(rf"{_NUMBER}\s*([a-z]+)", text.strip().lower())
    if found is None:
        return None
    name = found.group(2) if found.group(2) in _TIMES else found.group(2).removesuffix("s")
    return float(found.group(1)) * _TIMES[name] if name in _TIMES else None


def parse(text: str) -> Step:
    """A step in words.

    Raises:
        ProtocolError: what cannot be read, and what could be.
    """

    def refuse(why: str) -> ProtocolError:
        return ProtocolError(f"given {text!r}: {why}; allowed: {EXAMPLES}")

    words = " ".join(text.split())
    head = re.match(
        r"(discharge|charge|hold|rest)\b(?:\s+at\s+(.*?))?(?=\s+(?:for|until|or)\b|$)", words, re.IGNORECASE
    )
    if head is None:
        raise refuse("a step begins with Discharge at, Charge at, Hold at or Rest")
    verb, ends = head.group(1).lower(), words[head.end() :]
    duration, until = INF, []
    for part in filter(None, re.split(r"\s+(?:or\s+)?(?=for\b|until\b)|\s+or\s+", ends)):
        word, _, rest = part.partition(" ")
        if word.lower() == "for":
            length = seconds(rest)
            if length is None or not 0.0 < length < INF or duration < INF:
                raise refuse(f"cannot read the time {rest!r}")
            duration = length
            continue
        rest = rest if word.lower() == "until" else part
        group = rest.lower().startswith("any group ")
        limit = quantity(rest[10:] if group else rest)
        if limit is None or limit.what == "w" or (group and limit.what != "v"):
            raise refuse(f"cannot read the end {rest!r}")
        until.append(Limit("group_v", limit.value) if group else limit)
    if verb == "rest":
        if head.group(2) or duration == INF:
            raise refuse("a rest needs a time: Rest for 30 minutes")
        return Step("rest", duration_s=duration, until=tuple(until))
    target = quantity(head.group(2) or "")
    if verb == "hold":
        if target is None or target.what != "v":
            raise refuse("a hold needs a voltage per cell: Hold at 4.2 V until C/20")
        step = Step("voltage", target.value, "v", duration, tuple(until))
    else:
        if target is None or target.what not in ("a", "c_rate", "w") or not target.value > 0.0:
            raise refuse("cannot read the rate, current or power")
        sign = 1.0 if verb == "discharge" else -1.0
        kind: Kind = "power" if target.what == "w" else "current"
        step = Step(kind, sign * target.value, target.what, duration, tuple(until))
    if duration == INF and not until:
        raise refuse("nothing ends this step: add for ... or until ...")
    return step


class Profile(Model):
    """A drive cycle: a CSV file with a column `time_s` and one of power or current."""

    profile: str
    """Path of the CSV file, relative to the scenario file."""
    column: str
    """The column that is followed."""
    kind: Literal["power_w", "current_a"] = "power_w"
    """What the column holds, after scaling: of the whole pack, discharge positive."""
    scale: float = 1.0
    """What the column is multiplied by."""
    interpolation: Literal["hold", "linear"] = "hold"
    """Each value until the next time, or straight lines between them."""
    until: tuple[str, ...] = ()
    """Ends besides the profile's own, for example `any group 2.5 V`, `20 % SOC`."""

    def step(self) -> Step:
        """As plain numbers.

        Raises:
            ProtocolError: an end that cannot be read.
        """
        limits = []
        for text in self.until:
            group = text.lower().startswith("any group ")
            limit = quantity(text[10:] if group else text)
            if limit is None or limit.what == "w":
                raise ProtocolError(
                    f"given {text!r}: cannot read this end; allowed: for example 'any group 2.5 V', '20 % SOC'"
                )
            limits.append(Limit("group_v", limit.value) if group else limit)
        kind: Kind = "profile_power" if self.kind == "power_w" else "profile_current"
        return Step(
            kind, until=tuple(limits), profile=self.profile, column=self.column, scale=self.scale,
            linear=self.interpolation == "linear",
        )  # fmt: skip


class ProtocolModel(Model):
    """Steps one after another, and how often."""

    steps: Annotated[tuple[str | Profile, ...], Field(min_length=1)]
    """Each a sentence, or a drive cycle."""
    cycles: Annotated[int, Field(ge=1, le=100_000)] = 1
    """How often the steps are repeated."""

    @model_validator(mode="after")
    def _readable(self) -> ProtocolModel:
        for index, step in enumerate(self.steps):
            try:
                parse(step) if isinstance(step, str) else step.step()
            except ProtocolError as error:
                require(self, (False, f"steps.{index}", str(error).split("; allowed: ")[-1]))
        return self

    def plain(self) -> list[Step]:
        """The steps as plain numbers."""
        return [parse(step) if isinstance(step, str) else step.step() for step in self.steps]
