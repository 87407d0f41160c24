"""Standard normals from addresses, one core, beside NumPy's generator."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from packsim.bench.clock import OWN, in_turns
from packsim.bench.row import LOWER, Beside, Error, Row
from packsim.bench.settings import Settings
from packsim.numerics.streams import fill_normals, fill_words, seed_key, write_short_normals, write_words

ADDRESSES = 16_384  # four normals each: their words stay in the second cache
CALLS = 50
BOUND_NS = 1.5


def exact(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """The normals that words stand for, by SciPy's inverse of the normal distribution."""
    size = -ndtri(((words & np.uint32(0x7FFFFFFF)).astype(float) + 0.5) / 2.0**32)
    out: npt.NDArray[np.float64] = np.where(words >> np.uint32(31), -size, size)
    return out


def measure(settings: Settings) -> Iterator[Row]:
    """Nanoseconds of one normal."""
    key, generator = seed_key(1), np.random.default_rng(1)
    words, normal = np.empty((4, ADDRESSES), np.uint32), np.empty((4, ADDRESSES))
    short, theirs = np.empty((4, ADDRESSES), np.float32), np.empty((4, ADDRESSES))
    counter = np.zeros((3, ADDRESSES), np.uint64)
    counter[0] = np.arange(ADDRESSES)
    calls = 1 if settings.quick else CALLS

    def ours() -> None:
        for _ in range(calls):
            fill_normals(*key, 7, 0, 0, 0, normal)

    def ours_short() -> None:
        for _ in range(calls):
            write_words(words[0], words[1], words[2], words[3], counter, 7, *key)
            for k in range(4):
                write_short_normals(short[k], words[k])

    def numpy() -> None:
        for _ in range(calls):
            generator.standard_normal(out=theirs)

    each = 1e9 / (4 * ADDRESSES * calls)
    long_ns, short_ns, numpy_ns = (each * s for s in in_turns([ours, ours_short, numpy], settings.repeat, OWN))
    fill_words(*key, 7, 0, 0, 0, words)
    truth = exact(words)
    for name, ns, found, bound in (
        ("float64 (gauges, sensors)", long_ns, normal, 4e-7),
        ("float32 (traits of the line)", short_ns, short, 2e-6),
    ):
        error = Error("against SciPy", float(np.max(np.abs(found - truth))), "", bound)
        beside = Beside("NumPy", numpy_ns, numpy_ns / ns)
        yield Row("normals", f"normals, {name}", ns, "ns each, one core", LOWER, BOUND_NS, None, beside, (error,))
