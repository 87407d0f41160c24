"""What the machine remembers: the same to the bit, told apart by all it depends on, never trusted blindly."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from numba import typeof

from packsim.memory import remembered as memory
from packsim.memory.content import content_hash
from packsim.memory.program import program_hash
from packsim.memory.remembered import remembered


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty memory."""
    monkeypatch.setattr(memory, "cache_directory", lambda: tmp_path)
    return tmp_path


class Maker:
    """Counts how often it is asked."""

    def __init__(self, result: object = 0.1 + 0.2) -> None:
        self.result, self.calls = result, 0

    def __call__(self) -> object:
        self.calls += 1
        return self.result


def test_the_second_is_the_first_to_the_bit(folder: Path) -> None:
    make = Maker((0.1 + 0.2, None, [2.0 / 3.0]))
    assert [remembered("things", "x", make) for _ in range(2)] == [make.result] * 2
    assert make.calls == 1
    assert len(list((folder / "things").iterdir())) == 1


def test_nothing_can_be_remembered_too(folder: Path) -> None:
    make = Maker(None)
    assert [remembered("things", "x", make) for _ in range(2)] == [None, None]
    assert make.calls == 1


def test_what_is_asked_is_told_apart(folder: Path) -> None:
    make = Maker()
    for kind, asked in (("things", "x"), ("things", "y"), ("others", "x")):
        remembered(kind, asked, make)
    assert make.calls == 3


def test_arrays_keep_their_type_for_numba(folder: Path) -> None:
    """Order of axes and whether they may be written: else other kernels would be compiled for them."""
    whole = np.arange(12.0).reshape(3, 4)
    fixed = whole.copy()
    fixed.setflags(write=False)
    made = (whole, fixed, np.asfortranarray(whole), np.array(np.nan))
    remembered("things", "x", Maker(made))
    again = remembered("things", "x", Maker())
    assert typeof(again) == typeof(made)
    assert all(a.tobytes("A") == b.tobytes("A") for a, b in zip(again, made, strict=True))


def test_code_and_libraries_are_part_of_its_name(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("x = 1\n")
    before = program_hash(package)
    program_hash.cache_clear()
    (package / "a.py").write_text("x = 2\n")
    assert program_hash(package) != before


def test_what_edited_code_may_have_made_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "hashed_now", lambda: "of another program")
    make = Maker()
    for _ in range(2):
        assert remembered("things", "x", make) == make.result
    assert make.calls == 2


@pytest.mark.parametrize("kind", [np.float64(1.0), {"a": (1, "x")}, np.arange(6.0).reshape(2, 3), None, Maker])
def test_contents_are_told_apart(kind: object) -> None:
    others = [1.0, 1, True, "1.0", (1.0,), np.arange(6.0), np.arange(6), np.float32(1.0), {"a": (1, "y")}, ((), ())]
    if kind is Maker:
        with pytest.raises(TypeError, match="type"):
            content_hash(kind)
        return
    assert content_hash(copy.deepcopy(kind)) == content_hash(kind)
    assert content_hash(kind) not in map(content_hash, others)
    assert len(set(map(content_hash, others))) == len(others)


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"x" * 32, b"x" * 100])
def test_a_damaged_one_is_made_again(folder: Path, damage: bytes) -> None:
    make = Maker()
    remembered("things", "x", make)
    (path,) = (folder / "things").iterdir()
    whole = path.read_bytes()
    for content in (damage, whole[:-1], whole[:-4] + b"\0" + whole[-3:]):
        path.write_bytes(content)
        assert remembered("things", "x", make) == make.result
        assert path.read_bytes() == whole
    assert make.calls == 4


def test_an_error_is_not_remembered(folder: Path) -> None:
    def refuse() -> None:
        raise ValueError("out of reach")

    with pytest.raises(ValueError, match="out of reach"):
        remembered("things", "x", refuse)
    assert not (folder / "things").exists()


def test_a_folder_that_cannot_be_written_is_done_without(folder: Path) -> None:
    (folder / "things").write_text("in the way")
    make = Maker()
    assert remembered("things", "x", make) == make.result


def test_no_memory_at_all_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "cache_directory", lambda: None)
    make = Maker()
    assert [remembered("things", "x", make) for _ in range(2)] == [make.result] * 2
    assert make.calls == 2
