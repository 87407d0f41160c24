"""For tests of stores: the process that kills a command ten times, and runs of many packs that cost little to make."""

from __future__ import annotations

import contextlib
import hashlib
import io
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


def packsim(arguments: list[str]) -> int:
    """The command in this process; its exit code."""
    from packsim import cli

    sys.argv = ["packsim", *arguments]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def fork(arguments: list[str], largest_file: int | None = None) -> int:
    """The command in a child of this process, which has imported and compiled everything; its process id."""
    child = os.fork()
    if child == 0:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        code = packsim(arguments)
        sys.stderr.flush()
        os._exit(code)
    return child


def kill_ten_times(seed: int, arguments: list[str]) -> None:
    """Run `packsim run ...` to --out whole, then kill it with -9 at a random moment ten times, with --out killed.

    Prints, for each, whether it was killed and how many shards there were then.
    """
    assert packsim([*arguments, "--out", "whole"]) == 0
    luck, out = random.Random(seed), Path("killed")
    shards = Path(".killed-unfinished/run/shards")
    for _ in range(10):
        before = len(list(shards.glob("*.json")))
        child = fork([*arguments, "--out", str(out)])
        more, late = luck.randint(0, 2), luck.uniform(0.0, 0.02)
        while len(list(shards.glob("*.json"))) < before + more and not out.exists():
            time.sleep(0.004)
        time.sleep(late)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(int(os.WIFSIGNALED(status)), len(list(shards.glob("*.json"))), flush=True)


def fill_disks(largest_files: list[int], arguments: list[str]) -> None:
    """Run the command with no room for files above each size, then with room; prints exit codes and what is there."""
    assert packsim([*arguments, "--out", "whole"]) == 0
    for size in (*largest_files, None):
        _, status = os.waitpid(fork([*arguments, "--out", "new/out"], size), 0)
        there = sorted(path.name for path in Path("new").glob("*"))
        print(os.waitstatus_to_exitcode(status), *there, flush=True)
        print("---", file=sys.stderr, flush=True)


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
    elif sys.argv[1] == "full":
        fill_disks([int(size) for size in sys.argv[2].split(",")], sys.argv[3:])
    else:
        many_packs(int(sys.argv[2]), Path(sys.argv[3]))
