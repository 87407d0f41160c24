"""Standard normals from addresses, one core, beside NumPy's generator."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from packsim.bench.clock import OWN, in_turns
from packsim.bench.row import LOWER, Beside, Error, Row
from packsim.bench.settings import Settings
from packsim.numerics.streams import fill_normals, fill_words, seed_key, write_short_normals, write_words

ADDRESSES = 16_384  # four normals each: their words stay in the second cache
CALLS = 50
BOUND_NS = 1.5


def exact(words: npt.NDArray[np.uint32], rounded: bool = False) -> npt.NDArray[np.float64]:
    """The normals [4, n] that words [4, n] stand for, by NumPy's functions; of radii `rounded` to float32 before."""
    radius_word, angle_word = words[0::2].astype(np.int64), words[1::2].astype(np.int64)
    bits = radius_word & 0x7FFFFFFF
    part = ((bits.astype(np.float32) + np.float32(0.5)) if rounded else bits + 0.5).astype(float)
    size = np.sqrt(-2.0 * np.log(part / 2.0**31))
    angle = np.pi / 4.0 * (((angle_word | 1) + 2**31) % 2**32 - 2**31) / 2.0**31
    cosine, sine = np.where(radius_word >> 31, -1.0, 1.0) * size * np.cos(angle), size * np.sin(angle)
    out = np.empty(words.shape)
    other = angle_word & 1 == 1
    out[0::2], out[1::2] = np.where(other, sine, cosine), np.where(other, cosine, sine)
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
            for k in (0, 2):
                write_short_normals(short[k], short[k + 1], words[k], words[k + 1])

    def numpy() -> None:
        for _ in range(calls):
            generator.standard_normal(out=theirs)

    each = 1e9 / (4 * ADDRESSES * calls)
    long_ns, short_ns, numpy_ns = (each * s for s in in_turns([ours, ours_short, numpy], settings.repeat, OWN))
    fill_words(*key, 7, 0, 0, 0, words)
    for name, ns, found, truth, bound in (
        ("float64 (gauges, sensors)", long_ns, normal, exact(words), 4e-7),
        ("float32 (traits of the line)", short_ns, short, exact(words, rounded=True), 2e-6),
    ):
        error = Error("against NumPy's functions", float(np.max(np.abs(found - truth))), "", bound)
        beside = Beside("NumPy", numpy_ns, numpy_ns / ns)
        yield Row("normals", f"normals, {name}", ns, "ns each, one core", LOWER, BOUND_NS, None, beside, (error,))
