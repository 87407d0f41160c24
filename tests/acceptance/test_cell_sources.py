"""What a cell can be made from, and how it says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pybamm
import pybamm_spme as reference
import pytest
import spme_accuracy as accuracy

from packsim.cell.cell import Cell
from packsim.cell.from_pybamm import UnsupportedParameterSet, read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

BPX = Path(__file__).parents[1] / "data" / "synthetic_cell.bpx.json"
BPX_WARNS = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",  # bpx under newer pydantic and pyparsing
    "ignore:'Open-circuit voltage at:UserWarning",  # PyBaMM takes the cut-offs instead
)
REFUSED = {
    "Bonkile2024": "two-phase",
    "Chen2020_composite": "two-phase",
    "Chayambuka2022": "exchange-current density",
    "ECM_Example": "equivalent circuit",
    "Ecker2015_graphite_halfcell": "half cell",
    "MSMR_Example": "MSMR",
    "OKane2022_graphite_SiOx_halfcell": "half cell",
    "ORegan2022": "transference number",
    "Ramadass2004": "open-circuit voltage does not run from 2.8 to 4.2 V",
    "Sulzer2019": "lead-acid",
    "Xu2019": "half cell",
}


@pytest.mark.parametrize("name", sorted(pybamm.parameter_sets))
def test_every_shipped_set_is_built_or_refused_in_a_line(name: str) -> None:
    if name in reference.SETS:
        assert Cell(name).discharge(1.0).capacity_ah > 0.0
        return
    with pytest.raises(UnsupportedParameterSet, match=REFUSED[name]) as refusal:
        Cell(name)
    message = str(refusal.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert len(message) < 200


def test_parameter_values_are_a_source() -> None:
    values = pybamm.ParameterValues("Chen2020")
    values["Positive electrode thickness [m]"] *= 1.1
    assert float(Cell(values).balance.capacity_ah) > float(Cell("Chen2020").balance.capacity_ah)


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown parameter set 'Chen2021'; known: Ai2020, .*Xu2019"):
        Cell("Chen2021")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no-such\.bpx\.json"):
        Cell("no-such.bpx.json")


def test_a_transference_number_that_varies_is_refused() -> None:
    values = pybamm.ParameterValues("Chen2020")
    values["Cation transference number"] = lambda c_e, T: 0.26 + 1e-5 * c_e
    with pytest.raises(UnsupportedParameterSet, match="transference number"):
        read_parameters(values)


def test_other_kinetics_are_refused() -> None:
    values = pybamm.ParameterValues("Chen2020")
    values["Positive electrode exchange-current density [A.m-2]"] = lambda c_e, c_s, c_max, T: 1e-4 * c_e
    with pytest.raises(UnsupportedParameterSet, match="positive exchange-current density"):
        read_parameters(values)


@BPX_WARNS
def test_a_bpx_file_discharges_as_pybamm_does(report: Callable[..., None]) -> None:
    values = pybamm.ParameterValues.create_from_bpx(str(BPX))
    degc = float(values["Ambient temperature [K]"]) - reference.KELVIN
    cell = Cell(str(BPX), temperature_degc=degc)
    assert cell.name == BPX.name
    truth = reference.run(values, float(values["Nominal cell capacity [A.h]"]), 3.0 * 3600.0)
    curve = cell.discharge(1.0)
    report("synthetic BPX file, 1C RMSE", 1e3 * accuracy.rms(accuracy.difference(curve, truth)), 2.0, "mV")
    report("synthetic BPX file, 1C capacity", accuracy.capacity_error_pct(curve, truth), 0.05, "%")


@BPX_WARNS
def test_a_broken_bpx_file_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.bpx.json"
    content = json.loads(BPX.read_text(encoding="utf-8"))
    del content["Parameterisation"]["Separator"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.bpx\.json: not a valid BPX file") as refusal:
        Cell(str(path))
    assert "\n" not in str(refusal.value)
