"""Runs on disk: killed, damaged or out of disk they go on to the bit, and their memory does not grow with the packs."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kept import digests
from scenarios import SMALL, small

from packsim.memory import files
from packsim.pack.duty.words import PLACE
from packsim.study import run as run_module
from packsim.study.cell_table import CellChoice
from packsim.study.compare import Comparison
from packsim.study.output import OutputExists
from packsim.study.run import Result, run
from packsim.study.sightings import COLUMNS
from packsim.study.store.memory import MemoryStore
from packsim.study.store.parquet import ParquetStore
from packsim.verdict.causes import OF_SIGHTING

TESTS = Path(__file__).parents[1]
PACKS = 40


@pytest.fixture(scope="module")
def plain() -> Result:
    return run(small(), packs=PACKS, seed=5)


def opened(folder: Path, said: list[str] | None = None, **changes) -> ParquetStore:
    """Two blocks a shard."""
    given = {"packs": PACKS, "seed": 5, "shard_cells": 96} | changes
    return ParquetStore(folder, small(), say=(said if said is not None else []).append, **given)


def filled(folder: Path, said: list[str] | None = None, **changes) -> Result:
    store = opened(folder, said, **changes)
    try:
        return run(small(), packs=PACKS, seed=5, store=store)
    finally:
        store.close()


def test_memory_and_disk_hold_the_same(plain, tmp_path, report):
    stored = filled(tmp_path / "run", cells=CellChoice.of("all"))
    tables = [
        (plain.packs, stored.packs),
        (plain.sightings, stored.sightings),
        (plain.yields(), stored.yields()),
        (plain.cells, pd.concat(stored.store.iter("cells"), ignore_index=True)),
        (plain.packs, pd.read_parquet(tmp_path / "run/packs.parquet")),
        (plain.packs[["steps", "pack"]], pd.concat(stored.iter_packs(["steps", "pack"]), ignore_index=True)),
        (pd.DataFrame(plain.totals.histograms), pd.DataFrame(stored.totals.histograms)),
    ]
    for mine, theirs in tables:
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    report("summaries in memory and on disk that differ", int(plain.summary() != stored.summary()), 0, "", "==")
    again = run(small(), packs=PACKS, seed=5, store=filled(tmp_path / "again").store)
    differ = sum(row.difference != 0.0 for row in Comparison(again, plain).differences)
    pairing = Comparison(again, plain).pairing
    report("a run from disk against the one in memory: metrics that differ", differ, 0, "", "==")
    assert tuple(pairing) == (1.0, 1.0)


def test_a_run_that_was_moved_is_read_where_it_is(plain, tmp_path):
    moved = filled(tmp_path / "run")
    moved.store.move(tmp_path / "there")
    assert not (tmp_path / "run").exists()
    assert moved.median("steps") == plain.median("steps")
    again = filled(tmp_path / "there")
    assert again.found_blocks == again.block_count
    assert again.packs.equals(plain.packs)


def test_a_column_that_does_not_exist_is_an_error_in_both(plain, tmp_path):
    for result in (plain, filled(tmp_path / "run")):
        with pytest.raises(KeyError, match="nowhere"):
            next(result.iter_packs(["pack", "nowhere"]))
        with pytest.raises(KeyError):
            next(result.store.iter("nowhere"))


def test_tables_that_memory_cannot_hold_are_refused(plain, monkeypatch):
    monkeypatch.setattr(run_module, "MOST_PACK_ROWS", PACKS - 1)
    fresh = Result(plain.plans, 5, PACKS, plain.store, 1.0)
    with pytest.raises(MemoryError, match=r"40 packs: use result\.iter_packs"):
        _ = fresh.packs
    assert sum(map(len, fresh.iter_packs())) == PACKS


def test_what_was_seen_comes_back_too(plain, tmp_path):
    whole = small(pack__heat={})
    assert not whole.pack.plain
    seen = {name: np.zeros(3, float if name in ("time_s", "value") else np.int64) for name in COLUMNS}
    seen |= {"code": np.array(list(OF_SIGHTING)[:3]), "cell_defect": np.array([0, 1, 3], np.uint16)}
    assert all(int(code) in PLACE for code in seen["code"])
    stores = MemoryStore(), ParquetStore(tmp_path / "run", whole, PACKS, 5, shard_cells=48)
    for number in reversed(range(10)):  # in any order; most blocks see nothing
        rows = {name: column[: 3 if number == 7 else 0] for name, column in seen.items()}
        for store in stores:
            store.put(number, plain.store.blocks[number]._replace(sightings=rows))
    mine, theirs = (pd.concat(store.iter("sightings"), ignore_index=True) for store in stores)
    stores[1].close()
    assert len(mine) == 3
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    pd.testing.assert_frame_equal(mine, pd.read_parquet(tmp_path / "run/sightings.parquet"), check_exact=True)


def test_cells_that_were_chosen(plain, tmp_path):
    columns = ("pack", "position", "capacity_ah")
    stored = filled(tmp_path / "run", cells=CellChoice.of("shipped", columns))
    (found,) = [pd.concat(stored.store.iter("cells"), ignore_index=True)]
    wanted = plain.cells[plain.cells["pack"] >= 0][list(columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    for wrong, said in ((("some", None), "none, shipped, all"), (("all", ("capacity",)), "did you mean")):
        with pytest.raises(ValueError, match=said):
            CellChoice.of(*wrong)


def kept(mode: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process of tests/kept.py in a folder with the small scenario."""
    (folder / "small.yaml").write_text(json.dumps(SMALL))
    code = [sys.executable, str(TESTS / "kept.py"), mode, *map(str, arguments)]
    done = subprocess.run(code, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_killed_ten_times_it_goes_on_to_the_bit(tmp_path, report):
    given = ["run", "small.yaml", "--packs", "240", "--shard-cells", "1", "--quiet"]
    killed = kept("kill", 2017, *given, folder=tmp_path)
    died, there = np.array([line.split() for line in killed.stdout.splitlines()], int).T
    report("runs killed before their end", died.sum(), 10, "of 10", "==")
    assert (np.diff(there) >= 0).all()  # nothing that was finished is lost
    assert not (tmp_path / "killed").exists()
    last = [sys.executable, "-m", "packsim.cli", *given, "--out", "killed"]
    done = subprocess.run(last, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    a, b = (digests(tmp_path / name) for name in ("whole", "killed"))
    assert len(a) > 180
    report("killed ten times and resumed: files that differ", sum(a[name] != b.get(name) for name in a), 0, "", "==")
    report("killed ten times and resumed: files too many", len(b.keys() - a.keys()), 0, "", "==")
    assert {path.name for path in tmp_path.iterdir()} == {"small.yaml", "whole", "killed"}


def test_damaged_shards_are_found_and_recomputed(tmp_path, report):
    folder = tmp_path / "run"
    filled(folder)
    before = digests(folder)
    luck = random.Random(7)

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
        path.write_bytes(bytes(data))

    missed = 0
    for name in luck.sample([name for name in before if name != "manifest.json"], 12):  # any file, any bit
        flip(folder / name)
        said: list[str] = []
        opened(folder, said).close()
        missed += len(said) != 1 or "damaged" not in said[0]
        filled(folder)
    report("shards with one flipped bit that were not found, of 12", missed, 0, "", "==")
    cut = folder / "packs.parquet/00002.parquet"
    cut.write_bytes(cut.read_bytes()[:-1])
    (folder / "blocks.parquet/00003.parquet").unlink()
    (folder / "shards/00004.json").write_text("{}")
    said = []
    filled(folder, said)
    assert [text.partition(": ")[0] for text in said] == [
        str(folder / name)
        for name in ("packs.parquet/00002.parquet", "blocks.parquet/00003.parquet", "shards/00004.json")
    ]
    assert all(text.endswith(f"damaged; shard {n} is computed again") for text, n in zip(said, (2, 3, 4), strict=True))
    after = digests(folder)
    report("damaged and computed again: files that differ", sum(after[k] != before[k] for k in before), 0, "", "==")


def test_another_run_in_the_folder_is_refused(tmp_path):
    folder = tmp_path / "run"
    opened(folder).close()
    for changes, said in (({"seed": 6}, "seed 5, now 6"), ({"packs": 80}, "packs 40, now 80")):
        with pytest.raises(OutputExists, match=said):
            opened(folder, **changes)
    with pytest.raises(OutputExists, match="scenario"):
        ParquetStore(folder, small(pack__series=11), PACKS, 5)
    opened(folder, seed=6, force=True).close()
    first = opened(folder, seed=6)
    with pytest.raises(OutputExists, match="another run is writing"):  # nor may two write at once, not even with force
        opened(folder, force=True)
    first.close()
    (folder / "manifest.json").write_text("?")
    with pytest.raises(OutputExists, match=r"manifest\.json is damaged"):
        opened(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("mine")
    with pytest.raises(OutputExists, match="did not write"):
        opened(tmp_path / "mine", force=True)
    assert (tmp_path / "mine/thesis.tex").read_text() == "mine"


def test_a_full_disk_at_any_write_is_resumable(plain, tmp_path, report, monkeypatch):
    real, left = os.fsync, [0]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(files.os, "fsync", full)
    stops = 0
    for writes in (0, 1, 2, 3, 5, 7, 9):  # the manifest's own, in the middle of a shard, between two
        left[0] = writes
        with pytest.raises(OSError, match=r"No space left on device.*run"):
            filled(tmp_path / "run")
        stops += 1
        assert not list(tmp_path.rglob("*.part"))
    left[0] = 10**6
    stored = filled(tmp_path / "run")
    differ = int(not stored.packs.equals(plain.packs)) + int(stored.summary() != plain.summary())
    report(f"disk full {stops} times and resumed: tables that differ", differ, 0, "", "==")


def test_a_full_disk_is_one_line(tmp_path, report):
    given = ("run", "small.yaml", "--packs", 24, "--shard-cells", 96, "--quiet")
    done = kept("full", "12000,24000", *given, folder=tmp_path)  # bytes: no shard fits; the report does not
    said = [part.splitlines() for part in done.stderr.split("---\n")[:-1]]
    report("lines of a run without room for a shard", len(said[0]), 1, "", "==")
    report("lines of a run without room for its report", len(said[1]), 1, "", "==")
    assert "File too large; nothing was written" in said[0][0]
    assert "File too large; 3 finished shards are kept; the same command goes on from there" in said[1][0]
    assert not said[2]
    assert done.stdout.splitlines() == ["2", "2 .out-unfinished", "0 out"]
    assert digests(tmp_path / "new/out") == digests(tmp_path / "whole")


def test_memory_does_not_grow_with_the_packs(tmp_path, report):
    peaks = []
    for blocks in (50, 200):
        folder = tmp_path / str(blocks)
        folder.mkdir()
        peaks.append(float(kept("many", blocks, folder, folder=folder).stdout))
    assert "One pack in 5 was taken here." in (tmp_path / "200/report.html").read_text()
    # in memory the tables alone of 75,000 packs more take 30 MB
    report("peak memory of 100,000 packs above that of 25,000", peaks[1] - peaks[0], 10.0, "MB")
