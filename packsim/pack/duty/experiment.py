"""PyBaMM's experiments, written for one cell, as protocols of a pack."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from packsim.pack.duty.profile import LINEAR, Profile
from packsim.pack.duty.protocol import CURRENT, POWER, PROFILE, REST, VOLTAGE, Limits, Protocol, Rated, Step, assemble

if TYPE_CHECKING:
    import pybamm


def from_experiment(experiment: pybamm.Experiment, rated: Rated) -> Protocol:
    """A PyBaMM experiment, written for one cell, on a pack: every cell's share of current and power is the experiment's.

    C-rates become those of the rated pack (PyBaMM's are of the set's nominal capacity). Steps without an end, which PyBaMM
    stops after a day (C-rates: after 2/C hours), have no time limit here. The period of recording is not kept.

    Raises:
        UnsupportedExperiment: a step that no pack can follow (resistance, custom or function of time, start times, a
            termination of the whole experiment); one line that names the step.
    """
    from packsim.cell.from_pybamm import experiment_steps

    cells = rated.series * rated.parallel
    one_c = rated.capacity_ah * rated.parallel
    factor = {"current": rated.parallel, "c_rate": one_c, "power": cells, "voltage": 1}
    kinds = {"current": CURRENT, "c_rate": CURRENT, "power": POWER, "voltage": VOLTAGE}
    steps = []
    for kind, value, duration_s, ends, ambient_k, points in experiment_steps(experiment):
        end = dict(ends)
        below = max(end.get("current_below_a", -math.inf) * rated.parallel, end.get("c_rate_below", -math.inf) * one_c)
        profile = None
        if points is not None:
            profile = Profile(points[0], points[1] * factor[kind], LINEAR)
        whole = kinds[kind]
        step = Step(
            PROFILE if profile is not None else REST if whole == CURRENT and value == 0.0 else whole,
            value * factor[kind] if profile is None else 0.0,
            duration_s,
            Limits(
                v_low=end.get("voltage_below_v", -math.inf),
                v_high=end.get("voltage_above_v", math.inf),
                current_a=below,
            ),
            ambient_k=ambient_k,
            profile_kind=whole if profile is not None else CURRENT,
            profile=profile,
        )
        steps.append(step)
    return assemble(steps)
