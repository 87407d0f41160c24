"""Heat kernels against their plain twins, bits at any place in an array, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import naive_heat as naive
import numpy as np
import pytest
from pydantic import ValidationError

from packsim.cell import kernels as k
from packsim.cell.cell import Cell, empty_lane
from packsim.cell.electrodes import kernels as e
from packsim.cell.heat import kernels as heat
from packsim.cell.heat.assumed import NAMES, as_given, assumed_heat
from packsim.cell.heat.laws import law, with_entropy
from packsim.cell.heat.reading import CHECK_OFFSETS_K, FIT_OFFSETS_K
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import NOMINAL, TRAIT_NAMES
from packsim.pack.heat.plan import plan
from packsim.scenario.heat import Coolant, HeatModel, InletPoint

if TYPE_CHECKING:
    from packsim.cell.electrodes.kernels import Design

SETS = ("Mohtat2020", "Ecker2015", "Ai2020")
TABLE = TableCell(5.0, np.linspace(0.0, 1.0, 11), 3.0 + np.linspace(0.0, 1.0, 11) ** 0.5, 20.0)


def table() -> Design:
    return with_entropy(Cell(TABLE).design, np.array([0.1, 0.9]), np.array([-2e-4, 3e-4]))


def designs() -> dict[str, Design]:
    return {name: Cell(name).design for name in SETS} | {"table": table()}


class Many:
    """Cells that all differ, standing at begin.. of longer arrays, with everything the heat kernels give for them."""

    def __init__(self, design: Design, cells: slice, padding: int) -> None:
        rng, total = np.random.default_rng(3), 64
        values = np.repeat(NOMINAL[:, None], total, axis=1)
        values[TRAIT_NAMES.index("coated_area_ratio")] = rng.uniform(0.95, 1.05, total)
        values[TRAIT_NAMES.index("leakage_ua")] = rng.uniform(0.0, 1e5, total)
        kelvin, soc = rng.uniform(230.0, 390.0, total), rng.uniform(-0.05, 1.05, total)
        current, volt = rng.uniform(-5.0, 5.0, total), rng.uniform(2.5, 4.2, total)
        n = cells.stop - cells.start + padding
        begin, end = padding, n

        def placed(a: np.ndarray) -> np.ndarray:
            out = np.full((*a.shape[:-1], n), 1.0)
            out[..., begin:end] = a[..., cells]
            return out

        lane, window, out = empty_lane(n), np.zeros((5, n)), np.zeros((3, n))
        values, self.kelvin, soc, volt = placed(values), placed(kelvin), placed(soc), placed(volt)
        lane.current[:] = placed(current)
        k.coefficients(lane.coef, values, design, begin, end)
        k.balance(window, values, design, begin, end)
        k.rest_state(lane.state, design, soc, window, begin, end)
        self.base = lane.coef.copy()
        heat.set_temperature(lane.coef, self.base, design, self.kelvin, begin, end)
        k.set_dt(lane.decay, lane.coef, design, 10.0, begin, end)
        k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, 10.0, begin, end)
        k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, begin, end)
        before = lane.emf.copy()
        heat.entropic(lane.emf, lane.current, lane.work, design, self.kelvin, begin, end)
        heat.heat_w(out[0], lane.current, volt, lane.state, lane.coef, design, begin, end)
        heat.stored_j(out[1], lane.state, lane.coef, design, begin, end)
        heat.heat_capacity(out[2], values, design, begin, end)
        self.lane, self.volt, self.shift, self.values = lane, volt, lane.emf - before, values
        self.heat_w, self.stored, self.capacity = out
        self.cut = slice(begin, end)

    def everything(self) -> np.ndarray:
        rows = [self.lane.coef, self.lane.emf[None], self.heat_w[None], self.stored[None], self.capacity[None]]
        return np.ascontiguousarray(np.concatenate(rows)[:, self.cut])


@pytest.mark.parametrize("name", [*SETS, "table"])
def test_kernels_equal_their_plain_twins(name: str) -> None:
    design = designs()[name]
    many = Many(design, slice(0, 64), 0)
    lane, is_table = many.lane, design.is_table
    for j in range(64):
        coef, kelvin, current = lane.coef[:, j], many.kelvin[j], lane.current[j]
        warmer, leak = kelvin - design.heat.reference_k, coef[e.LEAK]
        if is_table:
            np.testing.assert_array_equal(coef, many.base[:, j])
            soc = lane.state[0, j]
            after = lane.work[e.XS_N, j] + lane.work[e.XS_N + 1, j] * current
            surface = naive.change(design.heat.entropy_p, after)
            mean = naive.change(design.heat.entropy_p, soc)
            u = float(k.table.ocv(design.ocp_p, soc)[0])
        else:
            np.testing.assert_allclose(coef, naive.coefficients_at(many.base[:, j], design, kelvin), rtol=1e-12)
            x, y = lane.work[e.SCRATCH, j], lane.work[e.SCRATCH + 3, j]
            surface = naive.full_cell(design, x, y)[1]
            u, mean = naive.full_cell(design, lane.state[e.X_N, j], lane.state[e.X_P, j])
        np.testing.assert_allclose(many.shift[j], warmer * surface, rtol=1e-9, atol=1e-12)
        expected = (current + leak) * (u - design.heat.reference_k * mean) - current * many.volt[j]
        np.testing.assert_allclose(many.heat_w[j], expected, rtol=1e-10, atol=1e-10)
        area = many.values[TRAIT_NAMES.index("coated_area_ratio"), j]
        expected = design.heat.capacity_per_area * design.nominal[e.AREA] * area
        np.testing.assert_allclose(many.capacity[j], expected, rtol=1e-14)


@pytest.mark.parametrize("name", SETS)
def test_chemical_energy_equals_quadrature(name: str) -> None:
    """Also where means lie beyond the tables."""
    design, lane, found = designs()[name], empty_lane(2), np.zeros(2)
    k.coefficients(lane.coef, np.repeat(NOMINAL[:, None], 2, axis=1), design, 0, 2)
    for start, end in (((0.9, 0.3), (0.05, 0.95)), ((0.5, 0.5), (-0.2, 1.15)), ((0.2, 0.9), (1.1, -0.02))):
        for j, (x, y) in enumerate((start, end)):
            lane.state[e.X_N, j], lane.state[e.X_P, j] = x, y
        heat.stored_j(found, lane.state, lane.coef, design, 0, 2)
        expected = naive.drawn_j(design, lane.coef[:, 0], start, end)
        assert found[0] - found[1] == pytest.approx(expected, rel=1e-9)


def test_chemical_energy_of_a_table_cell_beyond_its_table() -> None:
    """Its OCV runs straight on; the slope of the stored energy with SOC is the charge times OCV less T dOCV/dT."""
    design, lane, found = table(), empty_lane(2), np.zeros(2)
    k.coefficients(lane.coef, np.repeat(NOMINAL[:, None], 2, axis=1), design, 0, 2)
    for soc in (-0.3, -0.004, 0.2, 0.7, 1.01, 1.4):
        lane.state[0] = soc - 1e-4, soc + 1e-4
        heat.stored_j(found, lane.state, lane.coef, design, 0, 2)
        u = float(k.table.ocv(design.ocp_p, soc)[0]) - 298.15 * naive.change(design.heat.entropy_p, soc)
        assert (found[1] - found[0]) / 2e-4 == pytest.approx(u * 5.0 * 3600.0, rel=1e-6)


@pytest.mark.parametrize("name", [*SETS, "table"])
def test_bits_do_not_depend_on_place(name: str) -> None:
    design = designs()[name]
    whole = Many(design, slice(0, 64), 0).everything()
    assert np.all(np.isfinite(whole))
    for start, stop in ((0, 1), (3, 10), (5, 42), (0, 64)):
        for padding in (0, 1, 5):
            part = Many(design, slice(start, stop), padding).everything()
            expected = np.ascontiguousarray(whole[:, start:stop])
            assert np.array_equal(part.view(np.int64), expected.view(np.int64)), (start, stop, padding)


def test_laws_that_are_not_arrhenius_say_so() -> None:
    offsets = np.concatenate([FIT_OFFSETS_K, CHECK_OFFSETS_K])
    kelvin = 298.15 + offsets
    straight = law(np.exp(3000.0 * (1 / 298.15 - 1 / kelvin)), offsets, 298.15)
    assert straight.activation_j_per_mol == pytest.approx(3000.0 * 8.31446261815324, rel=1e-9)
    assert straight.terms[1:].tolist() == [0.0, 0.0]
    vogel = law(np.exp(-600.0 / (kelvin - 200.0) + 600.0 / 98.15), offsets, 298.15)  # Vogel, Fulcher and Tammann
    assert vogel.arrhenius_error > 0.1
    assert vogel.error < 0.1 * vogel.arrhenius_error


def test_a_law_takes_what_there_is() -> None:
    offsets = np.concatenate([FIT_OFFSETS_K, CHECK_OFFSETS_K])
    factors = np.exp(3000.0 * (1 / 298.15 - 1 / (298.15 + offsets)))
    factors[[0, 6]] = np.nan, 0.0  # a table that ends above the coldest point
    assert law(factors, offsets, 298.15).activation_j_per_mol == pytest.approx(3000.0 * 8.31446261815324, rel=1e-9)
    with pytest.raises(ValueError, match=r"no positive number around 298\.15 K"):
        law(np.full_like(factors, np.nan), offsets, 298.15)


def test_what_is_assumed_is_declared() -> None:
    assert assumed_heat(Cell("Mohtat2020").design) == ()
    chen = Cell("Chen2020").design
    filled = ("anode diffusion", "cathode diffusion", "electrolyte diffusion", "electrolyte conductivity")
    assert assumed_heat(chen) == (*filled, "no entropic change")
    assert assumed_heat(Cell("Prada2013").design) == (*filled, "heat capacity", "no entropic change")
    assert assumed_heat(as_given(chen)) == ("no entropic change",)
    assert not np.any(as_given(chen).heat.law[[0, 1, 4, 5]])
    assert np.all(chen.heat.law[:, 0] > 0.0)
    assert assumed_heat(Cell(TABLE).design) == NAMES[6:]
    assert assumed_heat(table()) == ("heat capacity",)


def test_heat_capacity_scales_with_capacity() -> None:
    found = np.zeros(1)
    for ah, expected in ((None, 42.775), (10.0, 42.775 * 10.0 / Cell("Chen2020").balance.capacity_ah)):
        heat.heat_capacity(found, NOMINAL[:, None].copy(), Cell("Chen2020", capacity_ah=ah).design, 0, 1)
        assert found[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("sto", "change", "side"),
    [([0.0, 0.0], [1.0, 1.0], "positive"), ([0.0], [1.0, 2.0], "positive"), ([0.0, 1.0], [np.nan, 0.0], "positive"),
     ([0.0, 1.0], [0.0, 0.0], "anode"), ([0.0, 1.0], [0.0, 0.0], "negative"), ([], [], "positive")],
)  # fmt: skip
def test_entropic_changes_that_are_refused(sto: list[float], change: list[float], side: str) -> None:
    with pytest.raises(ValueError, match=r"sto|side"):
        with_entropy(Cell(TABLE).design, np.array(sto), np.array(change), side)


def test_rows_and_streams() -> None:
    thermal = plan(HeatModel(cells_per_row=3, coolant=Coolant()), 8)
    assert thermal.order.tolist() == [0, 1, 2, 5, 4, 3, 6, 7]
    assert thermal.stream.tolist() == [0] * 8
    assert (thermal.along > 0.0).tolist() == [True, True, False, True, True, False, True, False]
    turned = plan(HeatModel(cells_per_row=3, coolant=Coolant(path="parallel", inlet="last")), 8)
    assert turned.order.tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert turned.stream.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert turned.streams == 3
    alone = plan(HeatModel(end_ambient_w_per_k=0.2), 1)
    assert alone.ambient_w_per_k.tolist() == [0.45]
    assert np.isnan(alone.capacity_j_per_k)


def test_inlet_profile_must_increase() -> None:
    with pytest.raises(ValidationError, match="increases"):
        Coolant(inlet_profile=[InletPoint(time_s=5.0, degc=20.0), InletPoint(time_s=5.0, degc=25.0)])
