"""Runs kept at a URL: the same files as in a folder, found again, damaged or not, and nothing secret in messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from kept import digests, packsim
from scenarios import small

from packsim.study.output import OutputExists, check_free
from packsim.study.run import run
from packsim.study.store.parquet import ParquetStore
from packsim.study.store.resumable import Unfinished
from packsim.study.store.url import UrlPath, place
from packsim.study.writing import write_run

PACKS = 40
MODULE = Path(__file__).parents[2] / "configs" / "module-24v.yaml"


@pytest.fixture
def bucket() -> UrlPath:
    """A system of names without folders, as object stores are, in memory."""
    fsspec = pytest.importorskip("fsspec", reason='needs pip install "packsim[cluster]"')
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    memory = fsspec.filesystem("memory", skip_instance_cache=True)
    memory.store.clear()
    return UrlPath(PyFileSystem(FSSpecHandler(memory)), "memory", "/bucket/year")


def opened(folder: UrlPath | Path, said: list[str] | None = None, **changes) -> ParquetStore:
    given = {"packs": PACKS, "seed": 5, "shard_cells": 96} | changes
    return ParquetStore(folder, small(), say=(said if said is not None else []).append, **given)


def filled(store: ParquetStore) -> list[int]:
    """Blocks that were computed for it."""
    before = store.totals.numbers
    run(small(), packs=PACKS, seed=5, store=store)
    store.close()
    return sorted(store.totals.numbers - before)


def files(folder: UrlPath) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_url_holds_the_files_of_a_folder(bucket, tmp_path):
    filled(opened(tmp_path / "year"))
    filled(opened(bucket))
    here = {path.relative_to(tmp_path / "year").as_posix() for path in (tmp_path / "year").rglob("*") if path.is_file()}
    there = files(bucket)
    assert set(there) == here
    assert all((tmp_path / "year" / name).read_bytes() == data for name, data in there.items())


def test_what_is_there_is_not_computed_again_and_what_is_damaged_is(bucket):
    filled(opened(bucket))
    sound = files(bucket)
    victim = bucket / "packs.parquet" / "00001.parquet"
    victim.write_bytes(victim.read_bytes()[:-1])
    said: list[str] = []
    store = opened(bucket, said)
    assert said == [f"{victim}: damaged; shard 1 is computed again"]
    assert filled(store) == [2, 3]
    assert files(bucket) == sound
    assert filled(opened(bucket)) == []


def test_another_run_is_refused_or_dropped(bucket):
    filled(opened(bucket))
    with pytest.raises(OutputExists, match="memory:///bucket/year: holds a run of other settings"):
        opened(bucket, packs=20)
    assert opened(bucket, packs=20, force=True).finished == 0
    (bucket.parent / "other" / "notes.txt").write_bytes(b"mine")
    with pytest.raises(OutputExists, match="did not write"):
        opened(bucket.parent / "other")


def test_an_unfinished_run_moves_to_its_place_and_out_of_the_way(bucket):
    way = Unfinished(bucket)
    store = way.opened(opened(way.folder / "run"))
    filled(store)
    assert way.finished() == store.shards
    assert not bucket.exists()
    before = files(way.folder / "run")
    store.move(bucket)
    way.drop()
    assert files(bucket) == before
    assert not way.folder.exists()
    with pytest.raises(OutputExists, match="exists already"):
        check_free(bucket, force=False)
    check_free(bucket, force=True)
    assert len(list(store.iter("packs", ["pack"]))) == store.shards


def test_a_move_that_was_killed_is_made_again(bucket):
    way = Unfinished(bucket)
    store = way.opened(opened(way.folder / "run"))
    filled(store)
    whole = files(way.folder / "run")
    for name in sorted(whole)[1::2]:  # half of them there, the manifest not
        if name != "manifest.json":
            (bucket / name).write_bytes(whole[name])
            (way.folder / "run" / name).unlink()
    check_free(bucket, force=False)
    store = way.opened(opened(way.folder / "run"))
    filled(store)
    store.move(bucket)
    assert files(bucket) == whole


def test_what_is_there_beside_an_unfinished_run_stays(bucket):
    filled(opened(Unfinished(bucket).folder / "run"))
    (bucket / "notes.txt").write_bytes(b"mine")
    with pytest.raises(OutputExists, match="exists already"):
        check_free(bucket, force=False)
    with pytest.raises(OutputExists, match="did not write"):
        check_free(bucket, force=True)


def test_a_system_that_cannot_move_is_copied_on(bucket):
    class Still:
        """As storage of Azure without a hierarchy of names."""

        def __getattr__(self, name):
            return getattr(bucket.system, name)

        def move(self, source, target):
            raise NotImplementedError

    there = UrlPath(Still(), "memory", "/bucket/still")
    (there / "run" / "a" / "b").write_bytes(b"b")
    (there / "run" / "last").write_bytes(b"last")
    (there / "run").move(there / "out", last="last")
    assert files(there) == {"out/a/b": b"b", "out/last": b"last"}


def test_years_of_an_attempt_that_was_killed_go(bucket):
    (bucket / "life.parquet" / "00000.parquet").write_bytes(b"")
    write_run(run(small(), packs=8, seed=5), MODULE, bucket)
    assert not (bucket / "life.parquet").exists()
    assert (bucket / "summary.json").is_file()


def test_the_command_writes_to_a_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["run", str(MODULE), "--packs", "20", "--quiet", "--out"]
    assert packsim([*command, (tmp_path / "there").as_uri()]) == 0
    assert packsim([*command, "here"]) == 0
    assert digests(tmp_path / "there") == digests(tmp_path / "here")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "there"]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("s4://key:secret@bucket/year?x=secret", "packsim: --out s4://bucket/year: Unrecognized filesystem type"),
        ("s3://key:s/ecret@secret@bucket/year", "packsim: --out s3://bucket/year: Cannot parse URI"),
        ("file:///year", "packsim: --out file:///year: allowed: a folder in it, such as file:///year/year"),
        ("file:///dev/null/x/year", "packsim: --out file:///dev/null/x/year: cannot write there"),
    ],
)
def test_a_url_that_cannot_be_is_one_line(url, line, capfd):
    assert packsim(["run", str(MODULE), "--packs", "20", "--quiet", "--out", url]) == 2
    said = capfd.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1
    assert "ecret" not in said


@pytest.mark.parametrize("command", [["compare", str(MODULE), str(MODULE)], ["rest", str(MODULE)], ["fit", "x.csv"]])
def test_other_commands_make_no_folder_of_a_url(command, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert packsim([*command, "--out", "s3://key:secret@bucket/year?x=secret"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("packsim: --out s3:...: a URL; allowed: a folder")
    assert "secret" not in said
    assert not list(tmp_path.iterdir())


def test_a_drive_is_no_url():
    assert isinstance(place("C:/year"), Path)
