"""What an end-of-line file may hold: the one declaration of quantities, their units and the names that plants use."""

from __future__ import annotations

import re
from typing import NamedTuple


class Quantity(NamedTuple):
    """One measured quantity.

    `units` are factors to the unit of `name`, `shown` those that errors name; `pattern` finds column names (normalised).
    """

    name: str
    title: str
    unit: str
    units: dict[str, float]
    shown: tuple[str, ...]
    pattern: re.Pattern[str]
    positive: bool


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{word})" for word in alternatives))


QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "capacity_ah",
        "capacity",
        "Ah",
        {"ah": 1.0, "mah": 1e-3, "安时": 1.0, "毫安时": 1e-3, "as": 1.0 / 3600.0},
        ("Ah", "mAh", "As"),
        _words(r"\bcap(acity|a)?\b", r"kapazit(ä|ae|a)t", "容量", r"\bq (dis|dch|discharge|d)\b"),
        True,
    ),
    Quantity(
        "dcir_mohm",
        "DCIR",
        "mOhm",
        {"mohm": 1.0, "ohm": 1e3, "uohm": 1e-3, "毫欧": 1.0, "欧": 1e3, "欧姆": 1e3},
        ("mOhm", "Ohm", "uOhm"),
        _words(
            r"\bdc[ -]?i?r\b", r"\bri\b", r"\bir\b", "resistance", "innenwiderstand", r"widerstand", "内阻", "直流电阻"
        ),
        True,
    ),
    Quantity(
        "ocv_v",
        "OCV",
        "V",
        {"v": 1.0, "mv": 1e-3, "uv": 1e-6, "伏": 1.0, "毫伏": 1e-3},
        ("V", "mV", "uV"),
        _words(r"\bocv\d?\b", "open circuit voltage", "ruhespannung", "leerlaufspannung", "开路电压"),
        True,
    ),
    Quantity(
        "k_value_mv_per_day",
        "K-value",
        "mV/day",
        {
            "mv/day": 1.0, "mv/d": 1.0, "mv/tag": 1.0, "mv/天": 1.0, "mvperday": 1.0, "v/day": 1e3, "v/d": 1e3,
            "uv/day": 1e-3, "uv/d": 1e-3, "mv/h": 24.0, "uv/h": 0.024, "mv/hour": 24.0, "mv/小时": 24.0,
        },
        ("mV/d", "uV/d", "mV/h", "uV/h"),
        _words(r"\bk[ -]?value\b", r"\bk[ -]?wert\b", r"^k$", "k值", "self discharge", "selbstentladung", "自放电"),
        False,
    ),
)  # fmt: skip
BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}

ROLES: dict[str, re.Pattern[str]] = {  # columns that are no measurement
    "serial": _words(
        r"\bserial( (no|nr|number))?\b", r"\bs ?n\b", r"\bbar ?code\b", r"\bcell ?(id|no|nr|number|serial)\b", r"^cell$",
        "seriennummer", r"\bzell?en?(nummer|nr|id)\b", r"\bzelle\b", "条码", "电芯编号", "电池编号", "序列号", r"^id$",
    ),
    "lot": _words(
        r"\blot( ?(id|no|nr|number))?\b", r"\bbatch( ?(id|no|nr|number))?\b", r"^charge$", r"^charge(n)?(nr|nummer)",
        r"\blos(nr|nummer)?\b", "批次", "批号",
    ),
    "roll": _words(r"\broll(e|en)?( ?(id|no|nr|number))?\b", r"\bcoil\b", "卷号", "极卷"),
    "time": _words(
        r"\btime ?stamp\b", r"\b(date|time|datetime)\b", "datum", "zeitstempel", r"\bzeit(punkt)?\b", "时间", "日期"
    ),
    "repeat": _words(r"\brepeats?\b", r"\brepetition\b", r"\brun\b", r"\btrial\b", r"\bwiederholung\b", r"\bmessung ?nr\b",
                     "重复", "测试次数"),
    "quantity": _words(r"^quantity$", r"^(test|parameter|measurand|characteristic)( ?name)?$", r"^messgr(ö|oe)(ß|ss)e$",
                       "^merkmal$", "测试项目", "^参数$"),
    "value": _words(r"^(value|reading|result|measured value)$", r"^(mess)?wert$", "^数值$", "^测量值$", "^结果$"),
    "unit": _words(r"^units?$", r"^einheit$", "^单位$"),
}  # fmt: skip


def normalised(name: str) -> str:
    """A column name for matching: lower case, separators as one space. `Zell-Nr.` -> `zell nr`."""
    return re.sub(r"[\s_\-./:#]+", " ", name.strip().lower()).strip()


def unit_key(unit: str) -> str:
    """A unit for look-up: `mΩ` -> `mohm`, `A·h` -> `ah`, `mV / Tag` -> `mv/tag`; mega keeps its capital: unknown."""
    text = (
        unit.strip().strip("[]()").replace("Ω", "ohm").replace("\u2126", "ohm").replace("µ", "u").replace("\u03bc", "u")
    )
    text = re.sub(r"[\s.*·⋅]", "", text)
    if re.match(r"M(ohm|V|Ah)", text, re.IGNORECASE) and text[0] == "M" and text[:3] not in ("MAH",):
        return text
    return text.lower().replace("ohms", "ohm")


def split_unit(header: str, quantity: Quantity | None = None) -> tuple[str, str]:
    """Name and unit of a header; unit "" if it states none. `DCIR (mΩ)`, `Capacity [mAh]`, `OCV/V`, `capacity_ah`."""
    text = header.strip()
    units = {key for each in ([quantity] if quantity else QUANTITIES) for key in each.units}
    if found := re.search(r"\[([^\[\]]*)\]", text):
        return text[: found.start()] + text[found.end() :], found.group(1).strip()
    for bracket in re.finditer(r"[(（]([^()（）]*)[)）]", text):
        inner = bracket.group(1).strip()
        if unit_key(inner) in units or re.fullmatch(r"[A-Za-zµμΩ\u2126·/%]{1,9}", inner):
            return text[: bracket.start()] + text[bracket.end() :], inner
    for separator in (r"\s*/\s*", r"\s+in\s+", r"[_\s,]+"):
        for cut in re.finditer(separator, text):
            rest = text[cut.end() :]
            if cut.start() and (unit_key(rest) in units or unit_key(rest.replace("_per_", "/")) in units):
                return text[: cut.start()], rest.replace("_per_", "/")
    return text, ""


def looks_like_unit(text: str) -> bool:
    """Whether a field of a row under the header is a unit (or a dash in its place)."""
    known = {key for each in QUANTITIES for key in each.units}
    plain = text.strip()
    return unit_key(plain) in known or bool(re.fullmatch(r"\[.*\]|[-–/]|%|°C|degC|s|h|d|A|mA|Wh|mWh|none", plain))
