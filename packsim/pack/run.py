"""Run packs of as-built cells through their duty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import Design
from packsim.cell.kernels import balance
from packsim.numerics.purposes import SENSOR
from packsim.numerics.streams import fill_normals, seed_key
from packsim.numerics.threads import in_parallel
from packsim.pack import kernels as k

Array = npt.NDArray[np.float64]
BALANCED = 256  # cells whose balance is found in one piece


def empty_outcome(packs: int, series: int) -> k.Outcome:
    """Zeroed summary arrays."""
    return k.Outcome(
        status=np.zeros(packs, np.int8),
        steps=np.zeros(packs, np.int32),
        simulated_s=np.zeros(packs),
        soc_full=np.zeros((packs, series)),
        full_v=np.zeros((packs, series)),
        usable_ah=np.zeros((packs, 2)),
        energy_wh=np.zeros((packs, 2)),
        first_group=np.full(packs, -1, np.int32),
        end_v=np.zeros((packs, 2, series)),
        time_below_s=np.zeros((packs, 2, k.THRESHOLDS, series)),
        charge_below_ah=np.zeros((packs, 2, series)),
    )


def sensor_offsets(seed: int, block: int, packs: int, series: int, sd_mv: float) -> Array:
    """Constant offset [V] of each group's voltage sensor [pack, group]."""
    normals = np.empty((4, packs * series))
    fill_normals(*seed_key(seed), SENSOR, block, 0, 0, normals)
    offsets: Array = 1e-3 * sd_mv * normals[0].reshape(packs, series)
    return offsets


def run(
    duty: k.Duty,
    design: Design,
    cells: Cells,
    soc: Array,
    order: npt.NDArray[np.int64],
    offset_v: Array,
    window: Array | None = None,
) -> k.Outcome:
    """Charge, rest and discharge every pack.

    Args:
        cells, soc: n cells and their state of charge (0..1) when they are assembled.
        order: cell of each position, [pack, group-major position].
        offset_v: sensor offsets [pack, group].
        window: the cells' electrode balance [5, n] (`windows`), where it is known; default: found here.
    """
    outcome, no_trace = empty_outcome(len(order), duty.series), np.empty((2 + duty.series, 0))
    known = windows(design, cells.values) if window is None else window
    given = tuple(map(np.ascontiguousarray, (cells.values, known, soc, order, offset_v)))  # one type, compiled once

    def packs(first: int, last: int) -> None:
        k.run_packs(*given, design, duty, no_trace, outcome, first, last)

    in_parallel(packs, len(order))
    return outcome


def windows(design: Design, values: Array) -> Array:
    """Electrode balance [5, n] of cells by their traits [trait, n]: x0, x100, y0, y100, capacity_ah; nan where none."""
    out = np.empty((5, values.shape[1]))
    given = np.ascontiguousarray(values)
    in_parallel(lambda first, last: balance(out, given, design, first, last), values.shape[1], BALANCED)
    return out


class PackTrace(NamedTuple):
    """One pack in time [m]: charge, rest, discharge."""

    time_s: Array
    current_a: Array
    group_v: Array  # [group, m]


def trace(
    duty: k.Duty, design: Design, cells: Cells, soc: Array, offset_v: Array, samples: int = 20_000
) -> tuple[k.Outcome, PackTrace]:
    """As `run` for one pack of `cells` in position order, with every accepted step (at most `samples`)."""
    outcome, order = empty_outcome(1, duty.series), np.arange(len(cells))[None]
    room, window = np.zeros((2 + duty.series, samples)), windows(design, cells.values)
    given = tuple(map(np.ascontiguousarray, (cells.values, window, soc, order, offset_v[None])))
    used = k.run_packs(*given, design, duty, room, outcome, 0, 1)
    return outcome, PackTrace(room[0, :used].copy(), room[1, :used].copy(), room[2:, :used].copy())
