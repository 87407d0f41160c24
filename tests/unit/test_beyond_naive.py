"""Damage kernels beside their plain twin, step by step through over-discharge, recharge and over-charge."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from naive_beyond import Anode, Damage

from packsim.cell import kernels as k
from packsim.cell.beyond import kernels as beyond_kernels
from packsim.cell.beyond.plan import initial_damage, plan
from packsim.cell.cell import Cell, empty_lane, window_of
from packsim.cell.electrodes import kernels as e
from packsim.cell.traits import trait_values
from packsim.scenario.beyond import BeyondModel

SOC = np.array([-0.3, -0.02, 0.0, 0.004, 0.03, 0.5, 0.98, 1.1])
C_RATES = (1.0, 3.0, 0.0, -0.5, -3.0, 1.5, -1.0)


def anode_of(lane: k.Lane, design: e.Design, j: int, current: float, kelvin: float) -> Anode:
    """Surface quantities of cell j from the prepared step and the committed state."""
    work, coef = lane.work[:, j], lane.coef[:, j]
    sto, u = work[e.SCRATCH], work[e.SCRATCH + 1]
    return Anode(
        u=float(u),
        surface=float(sto),
        mean=float(lane.state[e.X_N, j]),
        salt_mean=float(work[e.CM_N] + work[e.CM_N + 1] * current),
        salt_edge=float(work[e.C1] + work[e.C1 + 1] * current),
        salt_shape=float(work[e.SHAPE_N]),
        half_per_exchange=float(coef[e.K_N]),
        capacity_c=float(1.0 / coef[e.Q_N]),
        diffusion_s=float(coef[e.TAU_N]) / (float(design.d_n[0]) if design.shells_n else 1.0),
        kelvin=kelvin,
    )


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015"])
def test_damage_is_that_of_the_plain_twin(name: str) -> None:
    cell = Cell(name)
    design, n = cell.design, SOC.size
    beyond = plan(BeyondModel(sei_breakdown_h=0.2, sei_forming_share=0.3, short_conductance_msiemens_per_ah=500.0))
    values = trait_values(cells=n)
    values[e.T_LEAK] = np.linspace(0.0, 2000.0, n)
    lane, volt, leak_a = empty_lane(n), np.empty(n), np.empty(n)
    k.coefficients(lane.coef, values, design, 0, n)
    k.rest_state(lane.state, design, SOC, window_of(design, values), 0, n)
    leak_a[:] = lane.coef[e.LEAK]
    damage = initial_damage(lane.state, lane.coef, design, beyond)
    twins = [Damage(dissolved=row[0], away=row[1], short=row[2]) for row in damage.T]
    seen = np.zeros(beyond_kernels.N_DAMAGE)
    for c_rate in C_RATES:
        for dt in (0.01, 1.0, 20.0, 60.0):
            lane.current[:] = c_rate * cell.nominal_capacity_ah
            k.set_dt(lane.decay, lane.coef, design, dt, 0, n)
            k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, 0, n)
            k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
            volt[:] = lane.emf - lane.slope * lane.current
            k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, n)
            expected = []
            for j, twin in enumerate(twins):
                current, leak = float(lane.current[j]), float(lane.coef[e.LEAK, j])
                anode = anode_of(lane, design, j, current, cell.temperature_degc + 273.15)
                upper, now = design.upper_cutoff_v, float(volt[j])
                expected.append(twin.step(beyond._asdict(), anode, current, leak, now, upper, dt))
            beyond_kernels.advance_damage(
                damage, lane.state, lane.work, lane.coef, design, beyond, lane.current, volt, dt, 0, n
            )
            beyond_kernels.apply_damage(lane.coef, damage, leak_a, volt, lane.slope, 0, n)
            ohm = lane.coef[e.R_OHM]
            leaks = [twins[j].leak(leak_a[j], volt[j], lane.slope[j], ohm[j]) for j in range(n)]
            plain = np.array([dataclasses.astuple(twin) for twin in twins]).T
            np.testing.assert_allclose(damage, plain, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(lane.state[e.X_N], expected, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(lane.coef[e.LEAK], leaks, rtol=1e-9, atol=1e-15)
            seen = np.maximum(seen, damage.max(axis=1))
    assert np.all(seen > 0.0), seen  # every row was at work


def test_place_in_the_array_does_not_matter() -> None:
    """One cell alone and the same cell last of five: equal to the bit; a part of the array leaves the rest alone."""
    cell, beyond = Cell("Chen2020"), plan(BeyondModel())
    results = []
    for n in (1, 5):
        lane, volt = empty_lane(n), np.full(n, -0.3)
        k.coefficients(lane.coef, trait_values(cells=n), cell.design, 0, n)
        k.rest_state(lane.state, cell.design, np.full(n, -0.03), window_of(cell.design, trait_values(cells=n)), 0, n)
        damage = initial_damage(lane.state, lane.coef, cell.design, beyond)
        before = damage.copy()
        lane.current[:] = 5.0
        k.set_dt(lane.decay, lane.coef, cell.design, 5.0, 0, n)
        k.prepare(lane.work, lane.state, lane.coef, lane.decay, cell.design, 5.0, 0, n)
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, 5.0, 0, n)
        beyond_kernels.advance_damage(
            damage, lane.state, lane.work, lane.coef, cell.design, beyond, lane.current, volt, 5.0, n - 1, n
        )
        assert np.array_equal(damage[:, : n - 1], before[:, : n - 1])
        assert damage[beyond_kernels.DISSOLVED_C, n - 1] > before[beyond_kernels.DISSOLVED_C, n - 1]
        results.append(damage[:, n - 1].copy())
    assert np.array_equal(*results)
