"""What the results of a run depend on: the manifest of its folder, and the mark by which a killed run is known again."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from packsim.scenario.hashing import scenario_hash
from packsim.scenario.model import Scenario

LIBRARIES = ("numpy", "numba", "pybamm", "pandas", "pyarrow")


def run_settings(kind: str, scenario: Scenario, packs: int, seed: int, **more: Any) -> dict[str, Any]:
    """Everything that the results of a run (`kind` "run" or "life") depend on; `more` as this kind has it.

    Raises:
        OSError: a file that the scenario names cannot be read.
    """
    import llvmlite.binding

    from packsim import __version__
    from packsim.memory.program import program_hash
    from packsim.numerics.kernel_cache import source_hash

    return {
        "kind": kind,
        "scenario": scenario_hash(scenario),
        "seed": seed,
        "packs": packs,
        **more,
        "packsim": __version__,
        "kernels": source_hash(),
        "program": program_hash(),
        **{name: version(name) for name in LIBRARIES},
        "cpu": llvmlite.binding.get_host_cpu_name(),
    }
