"""Speed of the hot loops beside an incumbent, with the error of the same build. Run: pytest benchmarks --benchmark-only.

Equivalent cell-steps: cells x simulated seconds / 10. All traits differ; parallel voltages agree within 0.01 mV at every
accepted step; cut-offs are located.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from packs import cell_plan, pack_case

from packsim.pack.run import run

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")


@pytest.mark.parametrize("name", ["Chen2020", "Mohtat2020", "Prada2013"])
def test_coupled_spme_26s7p_1c(benchmark, name):
    """Full packs discharged at 1C to both cut-offs; the error beside it is against 1 s steps."""
    packs = 60
    case = pack_case(26, 7, packs, cell=cell_plan(name, 2.5), top_balanced=True)
    fine = run(*pack_case(26, 7, 4, cell=cell_plan(name, 2.5), top_balanced=True, longest_step_s=1.0))
    outcome = benchmark.pedantic(run, args=tuple(case), rounds=5, warmup_rounds=1)
    again = run(*pack_case(26, 7, 4, cell=cell_plan(name, 2.5), top_balanced=True))
    rate = 26 * 7 * outcome.simulated_s.sum() / 10.0 / benchmark.stats.stats.median
    benchmark.extra_info["million equivalent cell-steps/s"] = round(rate / 1e6, 1)
    benchmark.extra_info["capacity error to 1 s steps, %"] = 100 * float(
        np.max(np.abs(again.usable_ah / fine.usable_ah - 1))
    )
    benchmark.extra_info["group voltage error to 1 s steps, mV"] = float(np.max(np.abs(again.end_v - fine.end_v)) * 1e3)
    print(f"coupled SPMe {name}: {rate / 1e6:.1f} | >= 20 million equivalent cell-steps/s")


def test_coupled_spme_beside_pybamm(benchmark):
    """The same cells, uncoupled, through PyBaMM's list-of-inputs solve in the same run."""
    import pybamm

    rates = np.linspace(0.95, 1.05, 64)
    values = pybamm.ParameterValues("Chen2020")
    values["Current function [A]"] = 5.0
    values["Negative electrode active material volume fraction"] = "[input]"
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPMe(), parameter_values=values, solver=pybamm.IDAKLUSolver(options={"num_threads": 2})
    )
    inputs = [{"Negative electrode active material volume fraction": 0.75 * float(rate)} for rate in rates]
    times = np.arange(0.0, 3300.0, 10.0)
    simulation.solve(times, inputs=inputs[:2])
    begun = time.perf_counter()
    simulation.solve(times, inputs=inputs)
    theirs = len(inputs) * times.size / (time.perf_counter() - begun)
    case = pack_case(26, 7, 60, cell=cell_plan("Chen2020", 2.5), top_balanced=True)
    outcome = benchmark.pedantic(run, args=tuple(case), rounds=5, warmup_rounds=1)
    ours = 26 * 7 * outcome.simulated_s.sum() / 10.0 / benchmark.stats.stats.median
    benchmark.extra_info["PyBaMM SPMe, uncoupled, cell-steps/s"] = round(theirs)
    benchmark.extra_info["ratio"] = round(ours / theirs)
    print(f"coupled SPMe {ours / 1e6:.1f} million/s, PyBaMM uncoupled {theirs:,.0f}/s, ratio {ours / theirs:,.0f}")
