"""The drive cycles that come with packsim: published statistics, road load, and that the script writes them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from packsim.pack.duty.protocol import Rated, plan
from packsim.scenario.protocol import protocol

CYCLES = Path(__file__).resolve().parents[2] / "configs" / "cycles"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cycles", CYCLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PUBLISHED = {  # what the trace is drawn to, its allowed difference; sources in configs/cycles/make.py
    "wltp-like": {"duration_s": (1800, 0), "max_kmh": (131.3, 0), "mean_kmh": (46.5, 0.1), "standing_pct": (13.4, 0.3)},
    "us06-like": {"duration_s": (596, 0), "max_kmh": (129.2, 0), "mean_kmh": (77.9, 0.1), "stops": (4, 0)},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_shipped_cycles_have_the_published_statistics(name: str, make: ModuleType, report: Callable[..., None]) -> None:
    table = np.loadtxt(CYCLES / f"{name}.csv", delimiter=",", skiprows=6)
    assert np.array_equal(table[:, 0], np.arange(len(table)))
    found = make.statistics(table[:, 1])
    for key, (published, allowed) in PUBLISHED[name].items():
        report(f"{name}: {key} against {published} as published", abs(found[key] - published), allowed)
    limit = {"wltp-like": 1.67, "us06-like": 8.46 * 0.44704}[name]  # US06: published; WLTC: recalled
    report(f"{name}: largest acceleration", found["max_acceleration_m_s2"], limit, "m/s2")


@pytest.mark.parametrize("name", PUBLISHED)
def test_shipped_power_is_that_of_the_road_load(name: str, make: ModuleType, report: Callable[..., None]) -> None:
    """Net wheel work = rolling + air drag, from the file's power column turned back through the efficiencies."""
    time, speed, power = np.loadtxt(CYCLES / f"{name}.csv", delimiter=",", skiprows=6).T
    car, v = make.Car(), speed / 3.6
    drive = power - car.auxiliary_kw
    limited = drive <= -car.regen_limit_kw + 1e-3
    wheel = np.where(drive > 0.0, drive * car.drive_efficiency, drive / (car.regen_share * car.drive_efficiency))
    losses = 1e-3 * np.sum(car.mass_kg * 9.81 * car.rolling_coefficient * v + 0.5 * 1.2 * car.drag_area_m2 * v**3)
    # where regeneration is limited the file does not tell the wheel: take the work there from the change of speed
    inertia = car.mass_kg * (1 + car.rotating_share) * v * np.gradient(v, time)
    whole = inertia + v * (car.mass_kg * 9.81 * car.rolling_coefficient + 0.5 * 1.2 * car.drag_area_m2 * v**2)
    wheel[limited] = 1e-3 * whole[limited]
    report(f"{name}: net wheel work against rolling and air", abs(wheel.sum() / losses - 1.0), 1e-3)
    assert power.min() >= -car.regen_limit_kw + car.auxiliary_kw - 1e-3


@pytest.mark.parametrize("name", PUBLISHED)
def test_shipped_files_are_what_the_script_writes(name: str, make: ModuleType) -> None:
    like, phases = make.CYCLES[name]
    assert (CYCLES / f"{name}.csv").read_text() == make.text(name, like, phases, make.Car())


def test_a_shipped_cycle_runs_on_a_scaled_pack() -> None:
    model = protocol([{"profile": "wltp-like.csv", "scale": 0.01, "repeat": 3}])
    found = plan(model, Rated(10, 4, 5.0), lambda name: CYCLES / name)
    assert found.duration_s[0] == 5400.0
    assert found.profile_cumulative[-1] / 3.6e6 == pytest.approx(3 * 0.01 * 3.065, rel=2e-3)  # kWh in the file's header
