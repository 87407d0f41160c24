"""For tests of stores: the process that kills a command ten times, and runs of many packs that cost little to make."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

from scenarios import small

TIMES = "report.html"  # tells the wall time


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder but the one that tells how long the run took."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != TIMES]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def kill_ten_times(seed: int, arguments: list[str]) -> None:
    """Run `packsim run ... --out NAME` and kill it with -9 at a random moment, ten times; prints the shards after each.

    Children are forked from a process that has imported and compiled everything, so that what is killed is the work.
    """
    from packsim import cli
    from packsim.study import terminal  # noqa: F401
    from packsim.study.run import run

    run(small(), packs=4)
    luck, out = random.Random(seed), arguments[-1]
    shards = Path(f".{out}-unfinished/run/shards")
    for _ in range(10):
        before = len(list(shards.glob("*.json")))
        child = os.fork()
        if child == 0:
            sys.argv = ["packsim", *arguments]
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            cli.main()
        more, late = luck.randint(0, 3), luck.uniform(0.0, 0.03)
        while len(list(shards.glob("*.json"))) < before + more and not Path(out).exists():
            time.sleep(0.004)
        time.sleep(late)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(int(os.WIFSIGNALED(status)), len(list(shards.glob("*.json"))), flush=True)


def many_packs(blocks: int, folder: Path) -> None:
    """Keep one real block of 500 packs `blocks` times, write the report; prints the peak of memory in MB."""
    from packsim.study.block import run_block
    from packsim.study.plans import make_plans
    from packsim.study.run import Result
    from packsim.study.store.parquet import ParquetStore

    scenario = small(pack__series=2, packs_per_block=500, line__supplier_lot_cells=1000)
    plans = make_plans(scenario, 1)
    one = run_block(plans, 1, 0, 500)
    store = ParquetStore(folder / "store", scenario, 500 * blocks, 1, shard_cells=5000)
    for number in range(blocks):
        named = {"pack": one.packs["pack"] + 500 * number, "block": one.packs["block"] + number}
        store.put(number, one._replace(packs=one.packs | named))
    result = Result(plans, 1, 500 * blocks, store, 1.0)
    assert result.summary()["pack_usable_capacity_pct"]["n"] == blocks
    result.report(folder / "report.html")
    store.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        kill_ten_times(int(sys.argv[2]), sys.argv[3:])
    else:
        many_packs(int(sys.argv[2]), Path(sys.argv[3]))
