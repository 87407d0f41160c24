"""A line with everything on is the plain twin's, and the same to the bit however its cells are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import naive_line
import naive_shapes
import numba
import numpy as np
import pytest
import random_lines
import whole_line
from scipy import stats

from packsim.cell.cells import Cells
from packsim.cell.traits import INDEX
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.numerics.streams import write_short_normals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOTS, SEED, EACH = 480, 2**40 + 7, 60
FIELDS = ("values", "lot", "defect", "scrapped", "rejected")


def scattered(n: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.stack([draw.integers(0, 50, n), draw.integers(0, SLOTS, n), draw.integers(0, 4, n)], axis=1)


def product_pair(first: int, second: int) -> tuple[float, float]:
    """The line's own normals, which tests/acceptance/test_numerics.py holds to 2e-6 sigma."""
    out = np.empty((2, 1), np.float32)
    write_short_normals(out[0], out[1], np.array([first], np.uint32), np.array([second], np.uint32))
    return float(out[0, 0]), float(out[1, 0])


def decisions(cells: Cells, j: int) -> tuple[int, ...]:
    return tuple(int(getattr(cells, field)[j]) for field in ("defect", "lot", "scrapped", "rejected"))


def kink(values: np.ndarray) -> float:
    """Largest error [sd] of a line between two points of the table with a kink of the empirical quantile between them."""
    ordered, n = np.sort(values), values.size
    density = stats.norm.pdf(stats.norm.ppf((np.arange(n) + 0.5) / n))
    slopes = np.diff(ordered, prepend=ordered[0], append=ordered[-1]) * n
    return 1.05 * naive_shapes.STEP / 4.0 * float(np.abs(np.diff(slopes) * density).max() / values.std())


@pytest.mark.parametrize(("lot", "roll"), [(240, 120), (100, 50), (480, 480), (1440, 96), (1100, 100)])
def test_cells_are_those_of_the_plain_twin(report: Callable[..., None], tmp_path: Path, lot: int, roll: int) -> None:
    """Decisions exactly, values to rounding with the tables as documented, to the tables' error with exact quantiles."""
    model = whole_line.whole(tmp_path, lot, roll)
    plan = plans.plan(model, SLOTS, sd_factor=1.1, file=lambda name: tmp_path / name)
    cells = build(plan, SEED, scattered(EACH))
    sd = build(plan, SEED, scattered(5000)).values.std(axis=1)
    sd[INDEX["anode_particle_radius_ratio"]] = 1.1 * 0.934 * np.loadtxt(tmp_path / "radii.txt").std() / 100.0
    tabled = naive_line.Line(model, SLOTS, SEED, sd_factor=1.1, folder=tmp_path, as_tabulated=True, pair=product_pair)
    exact = naive_line.Line(model, SLOTS, SEED, sd_factor=1.1, folder=tmp_path)
    differ, rounding = 0, 0.0
    off = {"smooth": 0.0, "empirical": 0.0}
    for j, address in enumerate(cells.address.tolist()):
        twin, smooth = tabled.cell(tuple(address)), exact.cell(tuple(address))
        differ += (twin[1:] != decisions(cells, j)) + (smooth[1:] != decisions(cells, j))
        for name, t in INDEX.items():
            rounding = max(rounding, abs(cells.values[t, j] / twin.values[name] - 1.0))
            kind = "empirical" if name == "anode_particle_radius_ratio" else "smooth"
            if sd[t] == 0.0:  # the ageing rate, which this line does not vary
                assert cells.values[t, j] == smooth.values[name] == 1.0
                continue
            off[kind] = max(off[kind], abs(cells.values[t, j] - smooth.values[name]) / sd[t])
    row = f"whole line, lot {lot} roll {roll}"
    report(f"{row}: defects, lots, scrap or rejects that differ", differ, 0, f"of {2 * EACH}", "==")
    report(f"{row}: values off the plain twin", rounding, 1e-12)
    # between points: 1/8 of the squared distance, 6e-6, times the curvature
    report(f"{row}: values off exact quantiles", off["smooth"], 1e-4, "sd")
    bound = kink(np.loadtxt(tmp_path / "radii.txt"))
    report(f"{row}: empirical values off exact quantiles", off["empirical"], bound, "sd")
    assert np.any(cells.scrapped >= 0)
    assert np.any((cells.rejected > 0) & (cells.scrapped < 0))


def test_lines_by_chance_are_those_of_the_plain_twin(report: Callable[..., None], tmp_path: Path) -> None:
    """Thirty lines of any settings: far tails, nothing within, segments and lots of any size, many steps of one's own."""
    (tmp_path / "values.txt").write_text(
        "\n".join(map(str, 100.0 + 2.0 * np.random.default_rng(0).standard_normal(50)))
    )
    differ, rounding, rejects = 0, 0.0, 0
    for seed in range(30):
        model, draw = random_lines.random_line(seed), np.random.default_rng(seed)
        slots = int(draw.integers(1, 700))
        addresses = np.stack([draw.integers(0, 40, 8), draw.integers(0, slots, 8), draw.integers(0, 3, 8)], axis=1)
        cells = build(plans.plan(model, slots, file=lambda name: tmp_path / name), seed, addresses)
        twin = naive_line.Line(model, slots, seed, folder=tmp_path, as_tabulated=True, pair=product_pair)
        rejects += np.count_nonzero(cells.rejected)
        for j, address in enumerate(addresses.tolist()):
            one = twin.cell(tuple(address))
            differ += one[1:] != decisions(cells, j)
            for name, t in INDEX.items():
                off = abs(cells.values[t, j] - one.values[name])
                rounding = max(rounding, off / max(abs(one.values[name]), 1e-3))
    report("lines by chance: defects, lots, scrap or rejects that differ", differ, 0, "of 240", "==")
    report("lines by chance: values off the plain twin", rounding, 1e-10)
    report("lines by chance: cells rejected somewhere", rejects, 60, "", ">")


@pytest.mark.parametrize(("lot", "roll"), [(240, 120), (1440, 96)])
def test_bits_do_not_depend_on_how_cells_are_asked_for(
    report: Callable[..., None], tmp_path: Path, lot: int, roll: int
) -> None:
    """Threads, chunks, order, parts, single cells."""
    plan = plans.plan(whole_line.whole(tmp_path, lot, roll), SLOTS, file=lambda name: tmp_path / name)
    addresses = np.concatenate(
        [
            *(slot_addresses(block, range(SLOTS)) for block in range(3, 40)),  # more than one stretch of cells
            scattered(3000),
            slot_addresses(9, range(7, 300), 2),
        ]
    )
    whole = build(plan, 5, addresses)
    n, asked, differ = len(addresses), 0, 0
    mixed = np.random.default_rng(1).permutation(n)
    ways = [np.arange(n), np.arange(1, n), np.arange(1000, 1003), np.arange(2049), np.arange(n)[::-1], mixed]
    ways += [np.arange(n)[k::13] for k in (0, 5)] + [mixed[k : k + 1] for k in range(25)]
    before = numba.get_num_threads()
    try:
        for threads, rows in [(1, ways[0])] + [(before, way) for way in ways]:
            numba.set_num_threads(threads)
            part = build(plan, 5, np.ascontiguousarray(addresses[rows]))
            asked += 1
            differ += not all(
                np.array_equal(getattr(part, field), getattr(whole, field)[..., rows]) for field in FIELDS
            )
    finally:
        numba.set_num_threads(before)
    report(f"whole line, lot {lot}: ways of asking that change a bit", differ, 0, f"of {asked}", "==")
