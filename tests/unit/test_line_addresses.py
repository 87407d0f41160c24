"""Runs of addresses as found all at once, beside a look at row after row."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios import small

from packsim.line.addresses.kernels import put_counters
from packsim.line.build import build, slot_addresses
from packsim.line.plan import plan
from packsim.line.variation.levels.kernels import end_of_run, follow

ROWS = 300


def plain_end(address: np.ndarray, first: int, end: int) -> int:
    row = first + 1
    while row < end and address[row, 0] == address[first, 0] and address[row, 1] == address[row - 1, 1] + 1:
        row += 1
    return row


def plain_follow(address: np.ndarray) -> bool:
    return all(
        block == b and slot == s + 1 and candidate == c
        for (block, slot, candidate), (b, s, c) in zip(address[1:].tolist(), address[:-1].tolist(), strict=True)
    )


def broken(generator: np.random.Generator) -> np.ndarray:
    """A run of slots with one number changed, from one row on or in one row alone, in half of the cases."""
    address = np.zeros((ROWS, 3), np.int64)
    address[:, 0], address[:, 2] = generator.integers(0, 5), generator.integers(0, 3)
    address[:, 1] = generator.integers(0, 2**31) + np.arange(ROWS)
    if generator.random() < 0.5:
        row, column = generator.integers(0, ROWS), generator.integers(0, 3)
        rows = slice(row, None) if generator.random() < 0.5 else row
        address[rows, column] += generator.integers(1, 3)
    return address


def test_runs_end_where_rows_stop_following():
    generator = np.random.default_rng(1)
    for _ in range(500):
        address = broken(generator)
        first = int(generator.integers(0, ROWS))
        end = int(generator.integers(first + 1, ROWS + 1))
        assert end_of_run(address, first, end) == plain_end(address, first, end)
        assert follow(address[first:end]) == plain_follow(address[first:end])


def test_counters_are_the_words_of_the_addresses():
    generator = np.random.default_rng(2)
    for _ in range(50):
        address = broken(generator)
        address[:, 1] += 2**32 - 2**31  # some slots beyond 32 bits
        expected = (address[:, [1, 0, 2]].T % 2**32).astype(np.uint64)
        for in_turn in {False, follow(address)}:
            out = np.empty((3, len(address)), np.uint64)
            put_counters(out, address, in_turn)
            of = slice(0, 1 if in_turn else None)  # which tells the others
            assert np.array_equal(out[:, of], expected[:, of])


@pytest.mark.parametrize("slot", [-1, 48, 49, 10**9, 2**40])
@pytest.mark.parametrize("row", [0, 20, 47])
def test_a_slot_that_blocks_do_not_have_is_refused(slot, row):
    line = plan(small().line, 48)
    address = slot_addresses(3, range(48))
    assert len(build(line, 1, address)) == 48
    address[row, 1] = slot
    with pytest.raises(ValueError, match="a slot that the line's blocks do not have"):
        build(line, 1, address)
    with pytest.raises(ValueError, match="a slot that the line's blocks do not have"):
        build(line, 1, slot_addresses(3, range(slot, slot + 60)))
