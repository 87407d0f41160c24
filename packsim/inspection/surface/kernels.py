"""Polynomials in the traits in place of running the cells (compiled): their least squares, and many cells at once.

Four outputs: capacity [Ah] and DCIR [ohm] without leakage, stoichiometries of the negative electrode at 0 and 100 % SOC.
Each is a full quadratic with pure cubes in a scaled traits u; charge, window and voltages then follow as in the test.
Sums run in a fixed order, so the bits do not depend on the number of threads (those of LAPACK would).
"""

from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes.kernels import T_LEAK, inventory
from packsim.cell.table.kernels import balance_table
from packsim.inspection.kernels import CAPACITY, DCIR, N_TRUE, draw, store
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import STORAGE

CHUNK = 256
FIT_CAPACITY, FIT_DCIR, FIT_X0, FIT_X100 = range(4)
N_FIT = 4


class Surface(NamedTuple):
    """Polynomials of a of the t traits, u = (trait - centre) / scale, trusted where low <= trait <= high."""

    rows: np.ndarray  # int64[a]
    centre: np.ndarray  # [a]
    scale: np.ndarray  # [a]
    constant: np.ndarray  # [N_FIT]
    linear: np.ndarray  # [N_FIT, a]
    cube: np.ndarray  # [N_FIT, a]
    square: np.ndarray  # [N_FIT, a, a], upper half
    low: np.ndarray  # [t]
    high: np.ndarray  # [t]
    residual: np.ndarray  # [2, N_FIT] root mean square and largest, over the cells fitted


@allocating_kernel
def estimate_cells(true, window, inside, values, address, cells, surface, design, bench, key0, key1, first, last):
    """As `test_cells` from the polynomials, of cells[first .. last - 1] (columns of the rest) that are in the trusted range.

    Those are marked inside[n]; nothing is written for others. DCIR is in mohm.
    """
    for begin in range(first, last, CHUNK):
        n = min(begin + CHUNK, last) - begin
        own, places = gathered(values, address, cells, begin, n)
        trusted = within(own, surface)
        fitted, its_window, result = polynomials(own, surface), np.empty((5, n)), np.empty((N_TRUE, n))
        if design.is_table:
            balance_table(its_window, own, design, 0, n)
        for j in range(n):
            if not trusted[j]:
                for row in range(5):
                    its_window[row, j] = bench.window[row]
                result[CAPACITY, j], result[DCIR, j] = 0.0, 0.0
                continue
            result[CAPACITY, j] = fitted[FIT_CAPACITY, j] / (1.0 + 1e-6 * own[T_LEAK, j] / bench.test_a)
            result[DCIR, j] = 1e3 * fitted[FIT_DCIR, j]
            if not design.is_table:
                q_n, q_p, q_li = inventory(design.nominal, own, j)
                x0, x100 = fitted[FIT_X0, j], fitted[FIT_X100, j]
                its_window[0, j], its_window[1, j] = x0, x100
                its_window[2, j], its_window[3, j] = (q_li - x0 * q_n) / q_p, (q_li - x100 * q_n) / q_p
                its_window[4, j] = (x100 - x0) * q_n / 3600.0
        store(result, its_window, own, draw(places, STORAGE, 0, n, key0, key1), design, bench, 0)
        for j in range(n):
            if trusted[j]:
                inside[cells[begin + j]] = True
        scatter(true, result, cells, trusted, begin)
        scatter(window, its_window, cells, trusted, begin)


@kernel
def scatter(out, rows, cells, which, begin):
    """out[:, cells[begin + j]] = rows[:, j] for those that which[j]; row by row, as columns may share a set of the cache."""
    for row in range(out.shape[0]):
        to = out[row]
        for j in range(which.size):
            if which[j]:
                to[cells[begin + j]] = rows[row, j]


@allocating_kernel
def gathered(values, address, cells, begin, n):
    """Traits [t, n] and addresses [n, 3] of cells[begin .. begin + n - 1]."""
    own, places = np.empty((values.shape[0], n)), np.empty((n, 3), np.int64)
    for t in range(values.shape[0]):
        row, to = values[t], own[t]
        for j in range(n):
            to[j] = row[cells[begin + j]]
    for j in range(n):
        for part in range(3):
            places[j, part] = address[cells[begin + j], part]
    return own, places


@allocating_kernel
def within(values, surface):
    """Which of the cells values[t, n] have every trait in the trusted range: bool[n]."""
    n = values.shape[1]
    beyond, inside = np.full(n, -np.inf), np.empty(n, np.bool_)
    for t in range(values.shape[0]):
        low, high, row = surface.low[t], surface.high[t], values[t]
        for j in range(n):
            value = row[j]
            beyond[j] = max(beyond[j], max(low - value, value - high))
    for j in range(n):
        inside[j] = beyond[j] <= 0.0
    return inside


@allocating_kernel
def polynomials(values, surface):
    """The four outputs [N_FIT, n] of the cells values[t, n]."""
    traits, n = surface.rows.size, values.shape[1]
    u, out, part = np.empty((traits, n)), np.empty((N_FIT, n)), np.empty((N_FIT, n))
    for a in range(traits):
        centre, per = surface.centre[a], 1.0 / surface.scale[a]
        row, to = values[surface.rows[a]], u[a]
        for j in range(n):
            to[j] = (row[j] - centre) * per
    for k in range(N_FIT):
        for j in range(n):
            out[k, j] = surface.constant[k]
    part0, part1, part2, part3, square = part[0], part[1], part[2], part[3], surface.square
    for a in range(traits):
        own = u[a]
        for k in range(N_FIT):
            linear, cube, to = surface.linear[k, a], surface.cube[k, a], part[k]
            for j in range(n):
                to[j] = linear + cube * own[j] * own[j]
        for b in range(a, traits - 1, 2):  # two at once: half the loads and stores of the sums
            s0, s1, s2, s3 = square[0, a, b], square[1, a, b], square[2, a, b], square[3, a, b]
            z0, z1, z2, z3 = square[0, a, b + 1], square[1, a, b + 1], square[2, a, b + 1], square[3, a, b + 1]
            other, next_one = u[b], u[b + 1]
            for j in range(n):
                part0[j] = part0[j] + s0 * other[j] + z0 * next_one[j]
                part1[j] = part1[j] + s1 * other[j] + z1 * next_one[j]
                part2[j] = part2[j] + s2 * other[j] + z2 * next_one[j]
                part3[j] = part3[j] + s3 * other[j] + z3 * next_one[j]
        if (traits - a) % 2:
            last, other = traits - 1, u[traits - 1]
            for k in range(N_FIT):
                factor, to = square[k, a, last], part[k]
                for j in range(n):
                    to[j] += factor * other[j]
        for k in range(N_FIT):
            to, add = out[k], part[k]
            for j in range(n):
                to[j] += add[j] * own[j]
    return out


@allocating_kernel
def least_squares(u, y, ridge):
    """Coefficients [p, N_FIT] of 1, u, u_a u_b - (a == b), u^3 - 3 u (nearly orthogonal for normals) for y[N_FIT, n].

    Normal equations by Cholesky; `ridge` of the mean square is added where traits are copies of each other.
    """
    traits, n = u.shape
    terms = 1 + 2 * traits + traits * (traits + 1) // 2
    basis = np.empty((n, terms))
    for i in range(n):
        basis[i, 0] = 1.0
        at = 1 + traits
        for a in range(traits):
            basis[i, 1 + a] = u[a, i]
            for b in range(a, traits):
                basis[i, at] = u[a, i] * u[b, i] - (1.0 if a == b else 0.0)
                at += 1
            basis[i, terms - traits + a] = u[a, i] * (u[a, i] * u[a, i] - 3.0)
    gram, right = np.zeros((terms, terms)), np.zeros((terms, y.shape[0]))
    for i in range(n):
        row = basis[i]
        for p in range(terms):
            value, into = row[p], gram[p]
            for q in range(p, terms):
                into[q] += value * row[q]
            for k in range(y.shape[0]):
                right[p, k] += value * y[k, i]
    for p in range(terms):  # gram = upper^T upper, in place
        gram[p, p] += ridge * n
        for r in range(p):
            factor, source, into = gram[r, p], gram[r], gram[p]
            for q in range(p, terms):
                into[q] -= factor * source[q]
        pivot = 1.0 / np.sqrt(gram[p, p])
        for q in range(p, terms):
            gram[p, q] *= pivot
    for k in range(y.shape[0]):
        for p in range(terms):
            for r in range(p):
                right[p, k] -= gram[r, p] * right[r, k]
            right[p, k] /= gram[p, p]
        for p in range(terms - 1, -1, -1):
            for r in range(p + 1, terms):
                right[p, k] -= gram[p, r] * right[r, k]
            right[p, k] /= gram[p, p]
    return right
