"""Two mismatched cells in parallel, measured (Weng et al., arXiv 2310.10396): the coupled solve on table cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import weng

from packsim.cell.table.fit import RcFit
from packsim.cell.table.table_cell import TableCell

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(
    weng.folder() is None,
    reason="PACKSIM_VALIDATION_DATA does not name a folder with weng2023_parallel",
)


@pytest.fixture(scope="module")
def experiment() -> weng.Experiment:
    path = weng.folder()
    assert path is not None
    return weng.experiment(path)


@pytest.fixture(scope="module")
def fits(experiment: weng.Experiment) -> dict[str, RcFit]:
    parts = weng.halves(experiment)
    return {name: weng.fit(experiment, part) for name, part in parts.items()}


def test_tables_as_given(experiment: weng.Experiment, report: Callable[..., None]) -> None:
    volts, amperes = weng.rmse(weng.simulate(experiment, experiment.cells), experiment)
    report("Weng 2p at C/4, tables as given: branch current RMSE", amperes, 0.030, "A")
    report("Weng 2p at C/4, tables as given: voltage RMSE", volts, 0.060, "V")


def test_even_resistances_are_worse_in_current(experiment: weng.Experiment, report: Callable[..., None]) -> None:
    """The published order: constant R 0.032 A, R over SOC 0.026 A (the data's README)."""
    even = tuple(TableCell(c.capacity_ah, c.soc, c.ocv_v, float(np.mean(c.resistance_mohm))) for c in experiment.cells)
    flat = weng.rmse(weng.simulate(experiment, even), experiment)[1]
    tabled = weng.rmse(weng.simulate(experiment, experiment.cells), experiment)[1]
    report("Weng 2p: current RMSE, constant R over R of SOC", flat / tabled, 1.0, "", ">")


@pytest.mark.parametrize(("fitted", "tested"), [("second half", "first half"), ("first half", "second half")])
def test_a_pair_fitted_to_one_half_predicts_the_other(
    experiment: weng.Experiment, fits: dict[str, RcFit], fitted: str, tested: str, report: Callable[..., None]
) -> None:
    """The discharge from the charge, and the charge from the discharge."""
    model = weng.simulate(experiment, fits[fitted].cells)
    volts, amperes = weng.rmse(model, experiment, weng.halves(experiment)[tested])
    report(f"Weng 2p, pair fitted on {fitted}, tested on {tested}: voltage RMSE", volts, 0.025, "V")
    report("the same: branch current RMSE (currents are never fitted)", amperes, 0.030, "A")
    report("the same, whole experiment: voltage RMSE", weng.rmse(model, experiment)[0], 0.025, "V")


@pytest.mark.parametrize("pair", [("first half", "second half"), ("even hours", "odd hours")])
def test_each_half_predicted_from_the_other(
    experiment: weng.Experiment, fits: dict[str, RcFit], pair: tuple[str, str], report: Callable[..., None]
) -> None:
    """The whole experiment, every sample by the fit that has not seen it (two-fold cross-validation)."""
    parts, squares = weng.halves(experiment), np.zeros(2)
    for fitted, tested in (pair, pair[::-1]):
        unseen = parts[tested]
        squares += unseen.sum() * np.square(
            weng.rmse(weng.simulate(experiment, fits[fitted].cells), experiment, unseen)
        )
    volts, amperes = np.sqrt(squares / experiment.time_s.size)
    report(f"Weng 2p, {pair[0]} and {pair[1]} each from the other: voltage RMSE", volts, 0.025, "V")
    report("the same: branch current RMSE (currents are never fitted)", amperes, 0.030, "A")


def test_a_pair_is_better_than_none_on_data_it_has_not_seen(
    experiment: weng.Experiment, fits: dict[str, RcFit], report: Callable[..., None]
) -> None:
    parts, given = weng.halves(experiment), weng.simulate(experiment, experiment.cells)
    for fitted, tested in (("first half", "second half"), ("second half", "first half")):
        with_pair = weng.rmse(weng.simulate(experiment, fits[fitted].cells), experiment, parts[tested])[0]
        without = weng.rmse(given, experiment, parts[tested])[0]
        report(f"Weng 2p, {tested} unseen: voltage RMSE over that without a pair", with_pair / without, 0.9)
