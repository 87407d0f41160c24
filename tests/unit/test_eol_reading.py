"""End-of-line files in the forms that plants export: the same numbers come out of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from packsim.quality.eol_file.data import EolData, Options
from packsim.quality.eol_file.errors import EolFileError
from packsim.quality.eol_file.lots import by_gap
from packsim.quality.eol_file.read import read

if TYPE_CHECKING:
    from pathlib import Path

N = 60
RNG = np.random.default_rng(7000)
MAH, MOHM, VOLT, K = (
    np.round(RNG.normal(m, s, N), d) for m, s, d in ((2500, 10, 1), (30, 1, 2), (3.6, 1e-3, 4), (0.1, 0.01, 3))
)
LOT = [f"L{k // 15}" for k in range(N)]


def comma(value: float) -> str:
    return f"{value}".replace(".", ",")


def rows(delimiter: str, write: Any = str) -> str:
    return "".join(
        delimiter.join((f"C{k:03d}", LOT[k], *(write(float(x[k])) for x in (MAH, MOHM, VOLT, K)))) + "\n"
        for k in range(N)
    )


def opened(tmp_path: Path, text: str | bytes, **options: Any) -> EolData:
    path = tmp_path / "eol.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read(path, Options(options.pop("columns", {}), **options))


ENGLISH = "Serial No,Batch,Capacity [mAh],DCIR (mΩ),OCV/V,K-value (mV/day)\n"
GERMAN = "Seriennummer;Charge;Kapazität;Innenwiderstand;Ruhespannung;K-Wert\n;;[mAh];[mΩ];V;mV/d\n"
FORMS = {
    "English, commas": (ENGLISH + rows(",")).encode(),
    "German, BOM, preamble, units row": ("\ufeff# Export\nProtokoll 7;;;;;\n\n" + GERMAN + rows(";", comma)).encode(),
    "German, UTF-16": (GERMAN + rows(";", comma)).encode("utf-16"),
    "German, UTF-16 without BOM": (GERMAN + rows(";", comma)).encode("utf-16-le"),
    "German, Windows-1252": (GERMAN.replace("Ω", "Ohm") + rows(";", comma)).encode("cp1252"),
    "Chinese, GB 18030": ("条码,批次,容量(mAh),内阻(毫欧),开路电压(V),K值(mV/天)\n" + rows(",")).encode("gb18030"),
    "tabs, names with units": (
        "cell_id\tlot\tcapacity_mah\tdcir_mohm\tocv_v\tk_value_mv_per_day\n" + rows("\t")
    ).encode(),
    "delimiter at the end of lines": (ENGLISH.replace("\n", ",\n") + rows(",").replace("\n", ",\n")).encode(),
    "quoted, CRLF": (
        ENGLISH.replace("\n", "\r\n")
        + "".join(",".join(f'"{f}"' for f in r.split(",")) + "\r\n" for r in rows(",").split())
    ).encode(),
    "one row a value": (
        "serial,lot,test,value,unit\n"
        + "".join(
            f"C{k:03d},{LOT[k]},Capacity,{MAH[k]},mAh\nC{k:03d},{LOT[k]},DCIR,{MOHM[k] / 1e3:.5f},Ohm\n"
            f"C{k:03d},{LOT[k]},OCV,{VOLT[k]},V\nC{k:03d},{LOT[k]},K-value,{K[k]},mV/d\nC{k:03d},{LOT[k]},Weight,45,g\n"
            for k in range(N)
        )
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_numbers(form: str, tmp_path: Path) -> None:
    data = opened(tmp_path, FORMS[form])
    assert data.quantities == ("capacity_ah", "dcir_mohm", "ocv_v", "k_value_mv_per_day")
    assert (data.cells, data.lots) == (N, 4)
    expected = np.stack([MAH / 1e3, MOHM, VOLT, K], axis=1)
    np.testing.assert_allclose(data.frame[list(data.quantities)].to_numpy(), expected, rtol=1e-9)
    assert list(data.frame["serial"]) == [f"C{k:03d}" for k in range(N)]


def test_thousands(tmp_path: Path) -> None:
    for mark, swap in ((".", str), (",", lambda text: text.translate(str.maketrans(",.", ".,")))):
        text = "serial;lot;capacity [mAh]\n" + "".join(f"C{k};{LOT[k]};{swap(f'{MAH[k]:,.1f}')}\n" for k in range(N))
        data = opened(tmp_path, text)
        np.testing.assert_allclose(data.frame["capacity_ah"], MAH / 1e3)
        assert data.facts["decimal mark"] == ("comma" if mark == "," else "point")


def test_three_decimals_after_a_comma_between_semicolons(tmp_path: Path) -> None:
    text = "serial;lot;OCV [V]\n" + "".join(f"C{k};{LOT[k]};{comma(3.6 + 0.001 * (k % 7 + 1))}\n" for k in range(N))
    assert opened(tmp_path, text).frame["ocv_v"].between(3.6, 3.61).all()


def test_missing_values(tmp_path: Path) -> None:
    words = ["", "NA", "-", "n/a", "#N/A", "NaN"]
    text = "serial,lot,capacity_mah,dcir_mohm\n"
    text += "".join(f"C{k},{LOT[k]},{words[k] if k < 6 else MAH[k]},{MOHM[k]}\n" for k in range(N))
    data = opened(tmp_path, text)
    assert data.frame["capacity_ah"].isna().sum() == 6
    assert data.frame["dcir_mohm"].notna().all()


def test_units_per_row(tmp_path: Path) -> None:
    text = "serial,lot,capacity,unit\n"
    text += "".join(f"C{k},{LOT[k]},{MAH[k] if k % 2 else MAH[k] / 1e3},{'mAh' if k % 2 else 'Ah'}\n" for k in range(N))
    np.testing.assert_allclose(opened(tmp_path, text).frame["capacity_ah"], MAH / 1e3, rtol=1e-9)


def test_columns_by_map(tmp_path: Path) -> None:
    text = "a,b,c:1\n" + "".join(f"C{k},{LOT[k]},{MAH[k]}\n" for k in range(N))
    data = opened(tmp_path, text, columns={"capacity_ah": "c:1:mAh", "serial": "a"}, lot="b")
    np.testing.assert_allclose(data.frame["capacity_ah"], MAH / 1e3)
    assert data.lots == 4


@pytest.mark.parametrize("how", ["column", "every serial twice", "said so"])
def test_repeats(how: str, tmp_path: Path) -> None:
    head = "serial,lot,run,capacity_mah\n" if how == "column" else "serial,lot,capacity_mah\n"
    skip = 5 if how == "said so" else 0  # cells measured once
    lines = []
    for k in range(N):
        for run in (1, 2) if k >= skip else (1,):
            lines.append(f"C{k},{LOT[k]},{f'{run},' if how == 'column' else ''}{MAH[k] + run}\n")
    data = opened(tmp_path, head + "".join(lines), repeat="serial" if how == "said so" else None)
    assert data.has_repeats
    assert (data.cells, len(data.frame)) == (N, 2 * N - skip)


def test_equal_records_count_once(tmp_path: Path) -> None:
    data = opened(tmp_path, ENGLISH + rows(",") + rows(",").splitlines(keepends=True)[7])
    assert len(data.frame) == N
    assert "repeat another one" in data.notes[0]


def test_lots_from_gaps_in_time(tmp_path: Path) -> None:
    def stamp(k: int) -> str:
        minutes = 3 * k + 1200 * (k // 15)
        return f"{1 + minutes // 1440:02d}.03.2025 {minutes // 60 % 24:02d}:{minutes % 60:02d}"

    text = "serial;Datum;capacity_mah\n" + "".join(f"C{k};{stamp(k)};{MAH[k]}\n" for k in range(N))
    data = opened(tmp_path, text)
    assert data.lots == 4
    assert data.frame.groupby("lot").size().tolist() == [15] * 4
    assert opened(tmp_path, text, lot_gap_hours=48.0).lots == 1
    assert opened(tmp_path, text, lot_size=20).lots == 3


def test_no_gap_no_lots() -> None:
    hours = np.cumsum(np.random.default_rng(7001).exponential(0.05, 500))
    labels, limit = by_gap(hours, None)
    assert (len(set(labels)), limit) == (1, np.inf)


def test_one_lot_is_allowed_and_said(tmp_path: Path) -> None:
    data = opened(tmp_path, "serial,capacity_mah\n" + "".join(f"C{k},{MAH[k]}\n" for k in range(N)))
    assert data.lots == 1


def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    """A good file with a few characters replaced, dropped or doubled at random."""
    good = (ENGLISH + rows(",")).encode()
    rng, refused = np.random.default_rng(7002), 0
    for _ in range(150):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            kind = rng.integers(3)
            data[place : place + 1] = [
                b"",
                bytes([rng.choice(list(b'",;\n-.x 0\xff'))]),
                bytes(data[place : place + 2]) * 2,
            ][kind]
        said = refusal(tmp_path, bytes(data))
        assert said is None or ("\n" not in said and "allowed: " in said)
        refused += said is not None
    assert 20 < refused < 150


def refusal(tmp_path: Path, data: bytes) -> str | None:
    try:
        opened(tmp_path, data)
    except EolFileError as error:
        return str(error)
    return None
