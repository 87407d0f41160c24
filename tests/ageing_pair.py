"""One packsim cell and PyBaMM's SPMe through the same ageing run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pybamm_ageing as reference

import packsim as ps
from packsim.cell.ageing import kernels as k
from packsim.cell.ageing.plan import plan
from packsim.scenario.ageing import AgeingModel

if TYPE_CHECKING:
    import numpy.typing as npt

LAWS = {
    "solvent": "solvent_diffusion_limited",
    "reaction": "reaction_limited",
    "series": "ec_reaction_limited",
    "interstitial": "interstitial_diffusion_limited",
}
# PyBaMM's options: all of the film resists, nothing else ages
BARE: dict[str, Any] = {
    "sei": "none",
    "sei_film": "all",
    "plating": "none",
    "plating_dead_share": 1.0,
    "pores": False,
    "anode_loss_pct_per_cycle": 0.0,
    "cathode_loss_pct_per_cycle": 0.0,
}


def model(case: reference.Case, **changes: Any) -> AgeingModel:
    """The model that does what PyBaMM does in this case."""
    return AgeingModel(**(BARE | {"sei": LAWS.get(case.name, "none")} | changes))


def pack(case: reference.Case, soc: float, **changes: Any) -> ps.Pack:
    """One cell of the case."""
    return ps.Pack(ps.Cell(case.values()), "1s1p", ageing=model(case, **changes), soc=soc)


def cycled_ah(one: ps.Pack, case: reference.Case, cycles: int) -> npt.NDArray[np.float64]:
    """Discharged charge of every cycle; the pack stays where the last one ends."""
    steps = one.run(list(reference.cycle_steps(case)), cycles=cycles, samples=0).steps
    return steps.charge_ah.to_numpy()[:: len(reference.cycle_steps(case))]


def stored_ah(case: reference.Case, soc: float, days: float) -> float:
    """Charge of the check-up after a rest."""
    rest = [f"Rest for {24 * days:g} hours"] if days else []
    steps = pack(case, soc).run([*rest, *reference.check_steps(case)], samples=0).steps
    return float(steps.charge_ah.iloc[-1])


def plan_of(case: reference.Case) -> k.Ageing:
    """The kernels' numbers for a case."""
    return plan(model(case), ps.Cell(case.values()).ageing)
