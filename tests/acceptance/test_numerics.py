"""Random numbers and elementary functions: known answers, accuracy, independence of array layout."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import naive
import naive_line
import numpy as np
import pytest
from scipy import stats

from packsim.numerics.fastmath import asinh_fast, exp_fast, log_fast
from packsim.numerics.jit import kernel
from packsim.numerics.streams import (
    fill_normals,
    fill_uniforms,
    fill_words,
    normals_from_words,
    philox4x32,
    seed_key,
    uniform_from_word,
    write_short_normals,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ONES = 0xFFFFFFFF
KNOWN = (  # Random123 1.14, kat_vectors, philox4x32 10 rounds
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@kernel
def _log(x, out):
    for i in range(x.size):
        out[i] = log_fast(x[i])


@kernel
def _exp(x, out):
    for i in range(x.size):
        out[i] = exp_fast(x[i])


@kernel
def _asinh(x, out):
    for i in range(x.size):
        out[i] = asinh_fast(x[i])


@kernel
def _normals(words, out):
    for i in range(words.shape[1]):
        out[0, i], out[1, i] = normals_from_words(words[0, i], words[1, i])


@kernel
def _uniform(words, out):
    for i in range(words.size):
        out[i] = uniform_from_word(words[i])


def over(function: Callable[..., None], x: np.ndarray) -> np.ndarray:
    out = np.empty(x.size)
    function(x, out)
    return out


def test_philox_gives_the_published_words(report: Callable[..., None]) -> None:
    wrong = sum(tuple(map(int, philox4x32(*counter, *key))) != words for counter, key, words in KNOWN)
    report("Philox4x32-10 known-answer vectors that differ", wrong, 0, "of 3", "==")
    for counter, key, words in KNOWN:
        assert naive.philox4x32(counter, key) == words


def test_philox_equals_plain_integers() -> None:
    rng = np.random.default_rng(1)
    for words in rng.integers(0, 2**32, (500, 6)).tolist():
        assert tuple(map(int, philox4x32(*words))) == naive.philox4x32(tuple(words[:4]), tuple(words[4:]))


def test_an_address_is_the_counter() -> None:
    seed, purpose, block, slot, candidate = 0x0123456789ABCDEF, 17, 40, 1000, 2
    words = np.empty((4, 3), dtype=np.uint32)
    fill_words(*seed_key(seed), purpose, block, slot, candidate, words)
    for i in range(3):
        expected = naive.philox4x32((slot + i, block, candidate, purpose), (seed & ONES, seed >> 32))
        assert tuple(map(int, words[:, i])) == expected


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=r"less than 2\*\*64"):
        seed_key(seed)


def pairs_of_words() -> np.ndarray:
    """Words [2, n]: the ends and middles of radii and angles with each other, and 2^21 at random."""
    near = np.arange(300, dtype=np.int64)
    edges = np.concatenate([near, 2**30 + near, 2**31 - 1 - near, 2**31 + near, 2**32 - 1 - near]).astype(np.uint32)
    words = np.random.default_rng(4).integers(0, 2**32, (2, 2**21), dtype=np.uint32)
    return np.concatenate([np.stack([each.ravel() for each in np.meshgrid(edges, edges)]), words], axis=1)


def exact_pairs(words: np.ndarray, rounded: bool = False) -> np.ndarray:
    """Box and Muller's pairs in long doubles."""
    bits = words[0] & np.uint32(0x7FFFFFFF)
    radius = ((bits.astype(np.float32) + np.float32(0.5)) if rounded else bits + 0.5).astype(np.longdouble)
    size = np.sqrt(-2.0 * np.log(radius / 2**31))
    angle = (words[1] | np.uint32(1)).view(np.int32).astype(np.longdouble) / 2**31 * (np.longdouble(math.pi) / 4)
    cosine, sine = np.where(words[0] >> np.uint32(31), -size, size) * np.cos(angle), size * np.sin(angle)
    return np.where(words[1] & np.uint32(1), [sine, cosine], [cosine, sine]).astype(float)


def test_normals_are_accurate_finite_and_symmetric(report: Callable[..., None]) -> None:
    words = pairs_of_words()
    found, mirrored = np.empty(words.shape), np.empty(words.shape)
    _normals(words, found)
    report("normals, largest error over radii and angles", np.max(np.abs(found - exact_pairs(words))), 4e-7, "sigma")
    report("normals, values that are not finite", np.sum(~np.isfinite(found)), 0, "", "==")
    sign = np.array([[0x80000000], [0]], np.uint32)
    _normals(words ^ sign, mirrored)
    cosine = np.where(words[1] & np.uint32(1), found[1], found[0])
    differ = np.where(words[1] & np.uint32(1), mirrored[1], mirrored[0]) != -cosine
    report("normals, cosines whose mirror image differs in a bit", np.sum(differ), 0, "", "==")
    _normals(np.stack([words[0], ~words[1] ^ np.uint32(1)]), mirrored)  # minus the angle
    sine = np.where(words[1] & np.uint32(1), found[0], found[1])
    differ = np.where(words[1] & np.uint32(1), mirrored[0], mirrored[1]) != -sine
    report("normals, sines whose mirror image differs in a bit", np.sum(differ), 0, "", "==")
    assert np.abs(found).max() == pytest.approx(math.sqrt(-2.0 * math.log(0.5**32)), abs=1e-6)


def test_short_normals_are_accurate_and_finite(report: Callable[..., None]) -> None:
    words = pairs_of_words()
    found, again = np.empty(words.shape, np.float32), np.empty(words.shape, np.float32)
    write_short_normals(found[0], found[1], words[0], words[1])
    off = np.abs(found - exact_pairs(words, rounded=True))
    report("short normals, largest error, radii of 24 bits", np.max(off), 2e-6, "sigma")
    assert np.all(np.isfinite(found))
    other = words[1] & np.uint32(1) == 1
    for name, mirror, place in (
        ("cosines", (words[0] ^ np.uint32(0x80000000), words[1]), other),
        ("sines", (words[0], ~words[1] ^ np.uint32(1)), ~other),  # minus the angle
    ):
        write_short_normals(again[0], again[1], *mirror)
        differ = np.where(place, again[1], again[0]) != -np.where(place, found[1], found[0])
        report(f"short normals, {name} whose mirror image differs", np.sum(differ), 0, "", "==")
    for first in range(1, 40):  # in loops of other lengths
        part = slice(first, first + 3 * first)
        write_short_normals(again[0, part], again[1, part], words[0, part], words[1, part])
        assert again[:, part].tobytes() == found[:, part].tobytes()


@pytest.mark.parametrize("length", [1, 7, 300, 1025])
def test_words_0_and_1_make_a_pair_and_2_and_3(length: int) -> None:
    words, found = np.empty((4, length), np.uint32), np.empty((4, length))
    address = (*seed_key(12), 9, 3, 2**32 - 5, 4)
    fill_words(*address, words)
    fill_normals(*address, found)
    for i in range(length):
        for k in (0, 2):
            assert found[k : k + 2, i] == pytest.approx(naive_line.pair(*words[k : k + 2, i].tolist()), abs=4e-7)


@pytest.mark.parametrize("short", [False, True])
def test_normals_are_normal_and_independent(report: Callable[..., None], *, short: bool) -> None:
    """2^22 of each place of a call: chi2 of 512 equally likely cells, of the tails, of 32 x 32 cells of each two places.

    20 values of p for either kind; below 1e-5 by chance with p = 2e-4.
    """
    n = 2**22
    z = np.empty((4, n))
    if short:
        words, pairs = np.empty((4, n), np.uint32), np.empty((4, n), np.float32)
        fill_words(*seed_key(11), 5, 2, 0, 0, words)
        for k in (0, 2):
            write_short_normals(pairs[k], pairs[k + 1], words[k], words[k + 1])
        z[:] = pairs
    else:
        fill_normals(*seed_key(11), 5, 2, 0, 0, z)
    levels, worst = stats.norm.cdf(z), 1.0
    tails = stats.norm.ppf(np.array([1e-5, 1e-4, 1e-3, 0.999, 0.9999, 0.99999]))
    share = np.diff(stats.norm.cdf(np.concatenate([[-np.inf], tails, [np.inf]])))
    for k in range(4):
        worst = min(worst, stats.chisquare(np.histogram(levels[k], 512, (0.0, 1.0))[0]).pvalue)
        counts = np.bincount(np.searchsorted(tails, z[k]), minlength=7)
        worst = min(worst, stats.chisquare(counts, share * n).pvalue)
        for other in range(k):
            for a, b in ((levels[k], levels[other]), (np.abs(levels[k] - 0.5) * 2, np.abs(levels[other] - 0.5) * 2)):
                cells = np.histogram2d(a, b, 32, ((0.0, 1.0), (0.0, 1.0)))[0].ravel()
                worst = min(worst, stats.chisquare(cells).pvalue)
    kind = "short normals" if short else "normals"
    report(f"{kind}: least p of 20 chi-square tests (false alarm 2e-4)", worst, 1e-5, "", ">=")


def test_uniforms_stay_inside_the_open_interval() -> None:
    found = over(_uniform, np.array([0, 1, 2**31, ONES], dtype=np.uint64))
    assert found.tolist() == [0.5 / 2**32, 1.5 / 2**32, (2**31 + 0.5) / 2**32, (ONES + 0.5) / 2**32]


@pytest.mark.parametrize("fill", [fill_words, fill_uniforms, fill_normals])
def test_streams_do_not_depend_on_offset_or_length(fill: Callable[..., None]) -> None:
    key = seed_key(2015)
    kind = np.uint32 if fill is fill_words else np.float64
    whole = np.empty((4, 1200), dtype=kind)
    fill(*key, 3, 7, 0, 1, whole)
    for first, length in ((0, 1), (0, 7), (1, 16), (5, 37), (5, 96), (11, 1152)):
        part = np.empty((4, length), dtype=kind)
        fill(*key, 3, 7, first, 1, part)
        assert part.tobytes() == np.ascontiguousarray(whole[:, first : first + length]).tobytes()


def test_weakest_of_96_normals(report: Callable[..., None]) -> None:
    """E[min of 96] = -2.4930 (facts C1); sd 0.4313, so 1e5 packs miss +-0.005 by chance with p = 2.5e-4."""
    packs = 100_000
    normals = np.empty((4, packs * 24))
    fill_normals(*seed_key(96), 1, 0, 0, 0, normals)
    weakest = normals.T.reshape(packs, 96).min(axis=1)
    report("mean minimum of 96 normals over 1e5 packs, error (false alarm 2.5e-4)", abs(weakest.mean() + 2.4930), 0.005)
    assert weakest.std() == pytest.approx(0.4313, abs=0.004)  # 4 standard errors of a standard deviation


def test_words_look_independent_across_purposes_and_blocks() -> None:
    """Correlations of 2^16 normals: |r| < 5 / 256, false alarm 6e-7 each."""
    columns = []
    for purpose, block in ((1, 0), (2, 0), (1, 1), (1, 2)):
        out = np.empty((4, 2**16))
        fill_normals(*seed_key(5), purpose, block, 0, 0, out)
        columns.extend(out)
    r = np.corrcoef(columns) - np.eye(16)
    assert np.max(np.abs(r)) < 5.0 / 256.0


def ulps(found: np.ndarray, exact: np.ndarray) -> float:
    """Largest error in units of the last place of the exact (long double) value."""
    rounded = exact.astype(np.float64)
    return float(np.max(np.abs(found - exact) / np.spacing(np.abs(rounded))))


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(found - exact) / np.abs(exact)))


def test_log_exp_asinh_keep_double_accuracy(report: Callable[..., None]) -> None:
    """Against long doubles of the C library."""
    rng = np.random.default_rng(2)
    x = np.concatenate([np.exp(rng.uniform(-700.0, 700.0, 200_000)), 1.0 + rng.uniform(-0.3, 0.4, 200_000)])
    report("log_fast, largest error", ulps(over(_log, x), np.log(x.astype(np.longdouble))), 1.0, "ulp")
    x = np.concatenate([rng.uniform(-708.0, 709.0, 200_000), rng.uniform(-1.0, 1.0, 200_000)])
    report("exp_fast, largest relative error", relative(over(_exp, x), np.exp(x.astype(np.longdouble))), 1e-15)
    x = np.sinh(rng.uniform(-600.0, 600.0, 200_000))
    x = np.concatenate([x, rng.uniform(-3.0, 3.0, 200_000), 10.0 ** rng.uniform(-300.0, 0.0, 100_000)])
    report("asinh_fast, largest relative error", relative(over(_asinh, x), np.arcsinh(x.astype(np.longdouble))), 1e-15)


def test_elementary_functions_at_the_edges() -> None:
    x = np.array([0.0, 5e-324, -1.0, math.inf, math.nan, 1.0, 2.2250738585072014e-308])
    log = over(_log, x)
    assert log[:2].tolist() == [-math.inf] * 2
    assert np.isnan(log[[2, 4]]).all()
    assert log[3] == math.inf
    assert log[5] == 0.0
    assert log[6] == pytest.approx(math.log(2.2250738585072014e-308), rel=1e-15)
    exp = over(_exp, np.array([-math.inf, -709.0, 0.0, 709.78, 709.79, math.inf, math.nan]))
    assert exp[:3].tolist() == [0.0, 0.0, 1.0]
    assert exp[3] == pytest.approx(math.exp(709.78), rel=1e-13)
    assert exp[4:6].tolist() == [math.inf] * 2
    assert np.isnan(exp[6])
    asinh = over(_asinh, np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 1e200]))
    assert asinh[:4].tolist() == [0.0, -0.0, math.inf, -math.inf]
    assert math.copysign(1.0, asinh[1]) == -1.0
    assert np.isnan(asinh[4])
    assert asinh[5] == pytest.approx(math.asinh(1e200), rel=1e-15)


def test_functions_round_alike_at_every_array_position() -> None:
    """Vector body and scalar tail: same bits at every offset and length."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0.01, 50.0, 97)
    for function in (_log, _exp, _asinh):
        whole = over(function, x)
        for a, b in pairwise((0, 1, 8, 24, 61, 97)):
            assert over(function, x[a:b].copy()).tobytes() == whole[a:b].tobytes()
