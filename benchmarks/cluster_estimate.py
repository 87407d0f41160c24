"""What a billion packs would take on a thousand cores: an estimate on paper, from blocks and shards measured here.

    python benchmarks/cluster_estimate.py [--packs 10400] [--write]

One thread computes packs of configs/huizhou-2017.yaml into a store of Parquet shards; processor time of a pack, bytes of
a shard, and the time of its writer (the process that was started: it alone writes) are measured, and multiplied. --write:
docs/cluster.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numba
from place import ROOT, place, table

import packsim as ps
from packsim.study.plans import make_plans
from packsim.study.run import _one_block
from packsim.study.store.parquet import SHARD_CELLS, ParquetStore

SCENARIO = ROOT / "configs" / "huizhou-2017.yaml"
PACKS, CORES, SEED = 1_000_000_000, 1_000, 2017


class Measured(NamedTuple):
    """Of one thread here."""

    pack_s: float  # computing
    block_sent_bytes: float  # a result on its way to the writer
    block_put_s: float  # the writer's work for one block, its part of a shard's included
    pack_bytes: float  # on disk
    shard_bytes: float
    packs_per_shard: int


def measured(packs: int) -> Measured:
    """Compute and write `packs` packs, in whole blocks."""
    import pickle

    scenario = ps.load(SCENARIO)
    plans, per_block = make_plans(scenario, SEED), scenario.packs_per_block
    blocks = max(2, packs // per_block)
    with tempfile.TemporaryDirectory() as folder:
        store = ParquetStore(Path(folder) / "run", scenario, blocks * per_block, SEED)
        first = ParquetStore(Path(folder) / "first", scenario, per_block, SEED)
        first.put(0, *_one_block(plans, SEED, per_block, first.cells, 0))  # compiles, and imports what writes
        first.close()
        computing, putting, sent = 0.0, 0.0, 0
        for number in range(blocks):
            begun = time.process_time()
            result: Any = _one_block(plans, SEED, blocks * per_block, store.cells, number)
            computed = time.process_time()
            sent += len(pickle.dumps(result))
            pickled = time.process_time()
            store.put(number, *result)
            computing, putting = computing + computed - begun, putting + time.process_time() - pickled
        store.close()
        size = sum(path.stat().st_size for path in Path(folder, "run").rglob("*") if path.is_file())
    per_shard = max(1, round(SHARD_CELLS / scenario.slots_per_block)) * per_block
    done = blocks * per_block
    return Measured(computing / done, sent / blocks, putting / blocks, size / done, size / done * per_shard, per_shard)


def text(found: Measured, packs: int, per_block: int) -> str:
    """The estimate as a table and what it leaves out."""
    blocks = PACKS / per_block
    computing_h = PACKS * found.pack_s / CORES / 3600.0
    writing_h = blocks * found.block_put_s / 3600.0
    rows = [
        ["computing a pack of 96 cells, with its rejects", f"{1e3 * found.pack_s:.2f} ms of one core"],
        ["result of a block of 100 packs on its way to the writer", f"{1e-3 * found.block_sent_bytes:.0f} KB"],
        ["the writer's work for it, shards included", f"{1e3 * found.block_put_s:.1f} ms of one core"],
        ["on disk", f"{found.pack_bytes:.0f} bytes a pack, {1e-6 * found.shard_bytes:.2f} MB a shard"],
        [
            f"**10^9 packs on {CORES:,} cores: computing**",
            f"**{computing_h:.1f} h**, {computing_h * CORES:,.0f} core hours",
        ],
        ["the one writer, at the same time", f"{writing_h:.1f} h"],
        ["what it receives", f"{blocks * found.block_sent_bytes / (3600e6 * max(computing_h, writing_h)):.0f} MB/s"],
        [
            "on disk",
            f"{1e-9 * PACKS * found.pack_bytes:,.0f} GB in {PACKS / found.packs_per_shard:,.0f} shards of each table",
        ],
        [
            "runs with a writer each, for writing not to hold it up",
            f"{max(1, -(-writing_h // max(computing_h, 1e-9))):.0f}",
        ],
    ]
    return table([f"measured on {packs:,} packs, then multiplied", ""], rows)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=int, default=10_400, help="whole shards have 5,200")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true", help="accepted, there is no bound")
    given = parser.parse_args()
    numba.set_num_threads(1)
    found = text(measured(given.packs), given.packs, ps.load(SCENARIO).packs_per_block)
    print(found)
    if given.write:
        place("cluster.md", "estimate", found)


if __name__ == "__main__":
    main()
