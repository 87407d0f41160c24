"""Ageing kernels beside their plain twin, step by step through charge, rest and discharge."""

from __future__ import annotations

import numpy as np
import pytest
from naive_ageing import Aged, Step

from packsim.cell import kernels as k
from packsim.cell.ageing import kernels as a
from packsim.cell.ageing.plan import plan
from packsim.cell.ageing.rebuild import fresh_ageing
from packsim.cell.beyond.kernels import anode_potential
from packsim.cell.cell import Cell, empty_lane, window_of
from packsim.cell.electrodes import kernels as e
from packsim.cell.spme.kernels import surface_potential
from packsim.cell.traits import trait_values
from packsim.scenario.ageing import AgeingModel

SOC = np.array([0.02, 0.2, 0.5, 0.7, 0.95])
C_RATES = (-1.0, 0.0, 1.5, -0.5, 1.0)
SUMS = ("thickness", "sei", "plated", "lost_n", "lost_p", "lost_n_c", "lost_p_c")


@pytest.mark.parametrize(
    ("name", "sei", "plating"),
    [
        ("OKane2022", "ec_reaction_limited", "below_zero"),
        ("OKane2022", "interstitial_diffusion_limited", "irreversible"),
        ("Ecker2015", "reaction_limited", "below_zero"),
    ],
)
def test_ageing_is_that_of_the_plain_twin(name: str, sei: str, plating: str) -> None:
    cell = Cell(name)
    design, n = cell.design, SOC.size
    stress = 1.0 if name == "OKane2022" else 0.0
    model = AgeingModel(
        sei=sei,  # type: ignore[arg-type]
        plating=plating,  # type: ignore[arg-type]
        sei_rate_ratio=30.0,
        anode_loss_per_sei_ratio=0.7,
        anode_stress_loss_ratio=100.0 * stress,
        cathode_stress_loss_ratio=stress,
        anode_loss_pct_per_cycle=1.0,
        cathode_loss_pct_per_cycle=0.5,
        crack_area_ratio=0.3,
        crack_growth_pct_per_cycle=20.0,
        sei_resistivity_ratio=1.7,
    )
    laws = plan(model, cell.ageing)
    values, kelvin = trait_values(cells=n), np.linspace(290.0, 310.0, n)
    lane = empty_lane(n)
    k.coefficients(lane.coef, values, design, 0, n)
    k.rest_state(lane.state, design, SOC, window_of(design, values), 0, n)
    lane.coef[e.TWO_V] = 2.0 * 8.31446261815324 / e.FARADAY * kelvin  # the twin's potential needs nothing else of it
    base, leak_a, potential = lane.coef.copy(), np.zeros(n), np.empty(n)
    ageing = fresh_ageing(design, values, np.linspace(0.5, 1.5, n), lane)
    built = ageing.copy()
    twins = [
        Aged(
            *(built[row, j] for row in (a.RATE, a.SURFACE_M2, a.ANODE_C, a.CATHODE_C, a.CAPACITY_C, a.PORE_M3)),
            swing_from=built[a.SWING_FROM_C, j],
            swing_to=built[a.SWING_TO_C, j],
        )
        for j in range(n)
    ]
    for c_rate in C_RATES:
        for dt in (0.01, 1.0, 30.0, 300.0):
            lane.current[:] = c_rate * cell.nominal_capacity_ah
            k.set_dt(lane.decay, lane.coef, design, dt, 0, n)
            k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, 0, n)
            k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
            k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, n)
            anode_potential(potential, lane.work, lane.coef, design, lane.current, 0, n)
            positive = design.ocp_p, design.shells_p, design.d_p
            surface_potential(lane.work, lane.coef, *positive, 1, lane.current, 0, n)
            expected = []
            for j, twin in enumerate(twins):
                work, coef, current = lane.work[:, j], lane.coef[:, j], float(lane.current[j])
                ways = [1.0 / coef[row] for row in (e.AL_N, e.AL_S, e.AL_P)]
                now = Step(
                    potential=float(potential[j]),
                    salt_mean=float(work[e.CM_N] + work[e.CM_N + 1] * current),
                    salt_edge=float(work[e.C1] + work[e.C1 + 1] * current),
                    chi_v=float(coef[e.CHI_V]),
                    anode_salt_ohm=float(coef[e.R_E] * ways[0] / sum(ways)),
                    surface_x=float(work[e.SCRATCH]),
                    surface_y=float(work[e.SCRATCH + 3]),
                    x=float(lane.state[e.X_N, j]),
                    y=float(lane.state[e.X_P, j]),
                    current=current,
                    leak=float(coef[e.LEAK]),
                    kelvin=float(kelvin[j]),
                    dt=dt,
                    q_n=1.0 / float(coef[e.Q_N]),
                    q_p=1.0 / float(coef[e.Q_P]),
                )
                expected.append(now.x - twin.step(laws, now) / now.q_n)
            a.advance_ageing(
                ageing, lane.state, lane.coef, base, lane.work, design, laws, leak_a, lane.current, kelvin, dt, 0, n
            )
            for row, key in enumerate(SUMS):
                plain = [getattr(twin, key) for twin in twins]
                np.testing.assert_allclose(ageing[row], plain, rtol=1e-8, atol=1e-22, err_msg=key)
            np.testing.assert_allclose(ageing[a.CRACKS], [twin.cracks for twin in twins], rtol=1e-8, atol=1e-22)
            np.testing.assert_allclose(ageing[a.CRACK_C], [twin.in_cracks for twin in twins], rtol=1e-8, atol=1e-22)
            np.testing.assert_allclose(ageing[a.FILM_OHM], [twin.film for twin in twins], rtol=1e-8, atol=1e-18)
            np.testing.assert_allclose(lane.state[e.X_N], expected, rtol=1e-12)
    assert np.all(ageing[[a.CRACKS, a.CRACK_C]].max(axis=1) > 0.0)
    assert np.all(ageing[: len(SUMS)].max(axis=1) > 0.0)
