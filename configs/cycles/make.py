"""Write the drive cycles beside this file: `python configs/cycles/make.py`.

**Made here to resemble; not the regulations' traces.** Each speed trace is drawn by hand as trips between stops. Within a
phase all speeds below the peak are then bent by one exponent, so that the phase has its published distance; durations,
stops and peaks are as published. A road-load model turns speed into the power of an electric car at its battery.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
G, AIR_KG_M3 = 9.81, 1.20  # gravity; air at 20 degC and sea level


class Car(NamedTuple):
    """A mid-size electric car; every number assumed."""

    mass_kg: float = 1900.0  # with driver and load
    rotating_share: float = 0.03  # of the mass: what wheels, gears and rotor add when speed changes
    drag_area_m2: float = 0.65  # Cd x A
    rolling_coefficient: float = 0.009
    drive_efficiency: float = 0.90  # battery to wheel, and wheel to battery
    regen_share: float = 0.80  # of braking power that the driven axle takes
    regen_limit_kw: float = 60.0  # at the battery
    auxiliary_kw: float = 0.4
    battery_kwh: float = 75.0  # what `scale` in the files' header refers to


class Phase(NamedTuple):
    """Trips, each after a stop of `stops[k]` s: (seconds, speed at their end in km/h); the last stop ends the phase."""

    distance_km: float
    stops: tuple[int, ...]
    trips: tuple[tuple[tuple[int, float], ...], ...]


# WLTC class 3b as published: 1800 s, mean 46.5 km/h, maximum 131.3 km/h, standing 13.4 % of the time (Mercedes-Benz, WLTP
# pages), 23.25 km (Volvo Cars, WLTP pages). The split into phases (589, 433, 455, 323 s; 3.095, 4.756, 7.162, 8.254 km;
# peaks 56.5, 76.6, 97.4, 131.3 km/h; standing 156, 48, 31, 7 s) is recalled; its sums agree with the totals read.
WLTP_LIKE = (
    Phase(
        3.095,
        (11, 30, 45, 25, 35, 10),
        (
            ((12, 35), (18, 30), (10, 45), (22, 38), (15, 20), (14, 32), (20, 47), (12, 40), (15, 0)),
            ((10, 25), (20, 22), (12, 38), (18, 30), (12, 0)),
            ((14, 40), (15, 35), (16, 56.5), (30, 50), (18, 32), (14, 0)),
            ((8, 18), (14, 15), (10, 30), (16, 24), (10, 0)),
            ((10, 28), (18, 24), (16, 30), (14, 0)),
        ),
    ),
    Phase(
        4.756,
        (11, 26, 11),
        (
            ((16, 50), (22, 46), (14, 62), (30, 56), (18, 35), (14, 54), (28, 48), (18, 0)),
            (
                *((14, 40), (16, 36), (20, 65), (18, 76.6), (40, 70), (25, 60), (20, 42), (18, 58)),
                *((30, 50), (24, 0)),
            ),
        ),
    ),
    Phase(
        7.162,
        (6, 19, 6),
        (
            ((20, 60), (20, 55), (22, 80), (40, 72), (20, 50), (26, 30), (20, 0)),
            ((20, 58), (24, 76), (30, 70), (26, 92), (30, 97.4), (46, 90), (30, 76), (26, 60), (24, 0)),
        ),
    ),
    Phase(
        8.254,
        (2, 5),
        (
            (
                *((24, 75), (14, 70), (26, 105), (30, 98), (24, 118), (30, 112), (26, 131.3), (40, 126)),
                *((20, 110), (22, 120), (24, 90), (36, 0)),
            ),
        ),
    ),
)
# US06 as published: 596 s, 8.01 mi, mean 77.9 km/h, maximum 129.2 km/h, four stops, largest acceleration 8.46 mph/s
# (Wikipedia and DieselNet, "US06"). The time standing (41 s here) is assumed.
US06_LIKE = (
    Phase(
        8.01 * 1.609344,
        (5, 10, 10, 10, 6, 0),
        (
            ((10, 70), (12, 60), (8, 45), (10, 75), (9, 0)),
            ((12, 90), (14, 70), (16, 48), (12, 0)),
            (
                *((12, 80), (14, 104), (40, 100), (20, 110), (24, 104), (16, 125), (30, 118), (14, 129.2)),
                *((36, 122), (20, 105), (24, 112), (14, 0)),
            ),
            ((9, 60), (10, 35), (9, 65), (12, 55), (10, 0)),
            ((11, 90), (24, 105), (30, 98), (20, 80), (18, 110), (21, 100), (14, 0)),
        ),
    ),
)


def drawn(phase: Phase) -> np.ndarray:
    """Speed [km/h] at every second of a phase, without its first point: half waves of a cosine between the drawn points."""
    speed: list[float] = []
    for place, stop in enumerate(phase.stops):
        speed += [0.0] * stop
        before = 0.0
        for seconds, after in phase.trips[place] if place < len(phase.trips) else ():
            way = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, seconds + 1) / seconds)
            speed += list(before + (after - before) * way)
            before = after
    return np.array(speed)


def bent(speed: np.ndarray, distance_km: float) -> np.ndarray:
    """The speeds raised to one power, so that the phase has its distance; 0 and the peak stay. Rounded to 0.1 km/h."""
    peak, low, high = speed.max(), 0.3, 3.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if np.sum(peak * (speed / peak) ** middle) / 3600.0 > distance_km:
            low = middle
        else:
            high = middle
    return np.round(peak * (speed / peak) ** low, 1)


def trace(phases: tuple[Phase, ...]) -> np.ndarray:
    """Speed [km/h] at 0, 1, 2 ... s; the last point is the end."""
    return np.concatenate([[0.0], *(bent(drawn(phase), phase.distance_km) for phase in phases)])


def power_kw(speed_kmh: np.ndarray, car: Car) -> np.ndarray:
    """Power at the battery [kW], discharge positive: inertia, rolling, air, losses, limited regeneration, auxiliaries."""
    v = speed_kmh / 3.6
    change = np.gradient(v)  # central: kinetic energy taken and given back cancel to the last digit
    force = car.mass_kg * ((1.0 + car.rotating_share) * change + G * car.rolling_coefficient * (v > 0.0))
    wheel = v * (force + 0.5 * AIR_KG_M3 * car.drag_area_m2 * v**2) / 1e3
    back = np.maximum(wheel * car.regen_share * car.drive_efficiency, -car.regen_limit_kw)
    return np.where(wheel > 0.0, wheel / car.drive_efficiency, back) + car.auxiliary_kw


def statistics(speed_kmh: np.ndarray) -> dict[str, float]:
    """What the published cycles are described by."""
    seconds = len(speed_kmh) - 1
    moving = (speed_kmh[:-1] > 0.0) | (speed_kmh[1:] > 0.0)
    km = float(np.sum(0.5 * (speed_kmh[1:] + speed_kmh[:-1])) / 3600.0)
    return {
        "duration_s": float(seconds),
        "distance_km": km,
        "mean_kmh": km / seconds * 3600.0,
        "max_kmh": float(speed_kmh.max()),
        "standing_pct": 100.0 * float(np.mean(~moving)),
        "stops": float(np.count_nonzero(np.diff(moving.astype(int)) == -1)),
        "max_acceleration_m_s2": float(np.diff(speed_kmh).max() / 3.6),
        "max_deceleration_m_s2": float(-np.diff(speed_kmh).min() / 3.6),
    }


def text(name: str, like: str, phases: tuple[Phase, ...], car: Car) -> str:
    """The file's contents."""
    speed = trace(phases)
    power = power_kw(speed, car)
    found = statistics(speed)
    kwh = float(np.sum(0.5 * (power[1:] + power[:-1])) / 3600.0)
    head = [
        f"{name}: made here to resemble {like}; not the regulation's trace (configs/cycles/make.py)",
        "; ".join(f"{key} {value:.4g}" for key, value in found.items()),
        f"power_kw: of the vehicle at its battery, discharge positive; {kwh:.2f} kWh, {100 * kwh / found['distance_km']:.1f} kWh/100 km",  # noqa: E501
        "assumed car: " + ", ".join(f"{key} {value:g}" for key, value in car._asdict().items()),
        f"on a pack of E kWh of the same cells per kWh: scale = E / {car.battery_kwh:g}",
    ]
    rows = [f"{t},{v:.1f},{p:.3f}" for t, (v, p) in enumerate(zip(speed, power, strict=True))]
    return "\n".join([*(f"# {line}" for line in head), "time_s,speed_kmh,power_kw", *rows]) + "\n"


CYCLES = {
    "wltp-like": ("the WLTC class 3b of the WLTP", WLTP_LIKE),
    "us06-like": ("the US06 of the US supplemental federal test procedure", US06_LIKE),
}


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder (default: beside this file)")
    out = parser.parse_args().out
    for name, (like, phases) in CYCLES.items():
        (out / f"{name}.csv").write_text(text(name, like, phases, Car()), encoding="utf-8")
        print(name, {key: round(value, 3) for key, value in statistics(trace(phases)).items()})


if __name__ == "__main__":
    main()
