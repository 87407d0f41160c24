"""Run packs of as-built cells through their duty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cell import window_of
from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import Design
from packsim.numerics.purposes import SENSOR
from packsim.numerics.streams import fill_normals, seed_key
from packsim.numerics.threads import in_parallel
from packsim.pack import kernels as k

Array = npt.NDArray[np.float64]


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
    words = np.empty((4, packs * series))
    fill_normals(*seed_key(seed), SENSOR, block, 0, 0, words)
    offsets: Array = 1e-3 * sd_mv * words[0].reshape(packs, series)
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
        window: the cells' electrode balance [5, n] (`window_of`), where it is known; default: found here.
    """
    outcome = empty_outcome(len(order), duty.series)
    no_trace = np.empty((2 + duty.series, 0))

    def packs(first: int, last: int) -> None:
        for p in range(first, last):
            values, start = _own(duty, cells.values, soc, order[p])
            own = window_of(design, values) if window is None else np.ascontiguousarray(window[:, order[p]])
            k.run_pack(values, own, start, offset_v[p], design, duty, no_trace, outcome, p)

    in_parallel(packs, len(order))
    return outcome


def _own(duty: k.Duty, values: Array, soc: Array, order: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Traits and state of charge of one pack's cells, in position order; a top-balanced pack starts full."""
    return np.ascontiguousarray(values[:, order]), np.ones(order.size) if duty.top_balanced else soc[order]


class PackTrace(NamedTuple):
    """One pack in time [m]: charge, rest, discharge."""

    time_s: Array
    current_a: Array
    group_v: Array  # [group, m]


def trace(
    duty: k.Duty, design: Design, cells: Cells, soc: Array, offset_v: Array, samples: int = 20_000
) -> tuple[k.Outcome, PackTrace]:
    """As `run` for one pack of `cells` in position order, with every accepted step (at most `samples`)."""
    outcome = empty_outcome(1, duty.series)
    room = np.zeros((2 + duty.series, samples))
    values, start = _own(duty, cells.values, soc, np.arange(len(cells)))
    used = k.run_pack(values, window_of(design, values), start, offset_v, design, duty, room, outcome, 0)
    return outcome, PackTrace(room[0, :used].copy(), room[1, :used].copy(), room[2:, :used].copy())
