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
from packsim.numerics.jit import allocating_kernel
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
def estimate_cells(true, window, inside, values, address, surface, design, bench, key0, key1, first, last):
    """As `test_cells` from the polynomials; values of cells that are not inside[n] the trusted range mean nothing."""
    for begin in range(first, last, CHUNK):
        n = min(begin + CHUNK, last) - begin
        within(inside, values, surface, begin, n)
        fitted, own, result = polynomials(values, surface, begin, n), np.empty((5, n)), np.empty((N_TRUE, n))
        if design.is_table:
            balance_table(own, values[:, begin : begin + n], design, 0, n)
        for j in range(n):
            i = begin + j
            if not inside[i]:
                for row in range(5):
                    own[row, j] = bench.window[row]
                result[CAPACITY, j], result[DCIR, j] = 0.0, 0.0
                continue
            result[CAPACITY, j] = fitted[FIT_CAPACITY, j] / (1.0 + 1e-6 * values[T_LEAK, i] / bench.test_a)
            result[DCIR, j] = fitted[FIT_DCIR, j]
            if not design.is_table:
                q_n, q_p, q_li = inventory(design.nominal, values, i)
                x0, x100 = fitted[FIT_X0, j], fitted[FIT_X100, j]
                own[0, j], own[1, j] = x0, x100
                own[2, j], own[3, j] = (q_li - x0 * q_n) / q_p, (q_li - x100 * q_n) / q_p
                own[4, j] = (x100 - x0) * q_n / 3600.0
        store(result, own, values, draw(address, STORAGE, begin, n, key0, key1), design, bench, begin)
        for row in range(N_TRUE):
            for j in range(n):
                true[row, begin + j] = result[row, j]
        for row in range(5):
            for j in range(n):
                window[row, begin + j] = own[row, j]


@allocating_kernel
def within(inside, values, surface, begin, n):
    """inside[i] for the n cells from `begin`: every trait in the trusted range."""
    beyond = np.full(n, -np.inf)
    for t in range(values.shape[0]):
        low, high, row = surface.low[t], surface.high[t], values[t]
        for j in range(n):
            value = row[begin + j]
            beyond[j] = max(beyond[j], max(low - value, value - high))
    for j in range(n):
        inside[begin + j] = beyond[j] <= 0.0


@allocating_kernel
def polynomials(values, surface, begin, n):
    """The four outputs [N_FIT, n] of the cells from `begin`."""
    traits = surface.rows.size
    u, out, part = np.empty((traits, n)), np.empty((N_FIT, n)), np.empty((N_FIT, n))
    for a in range(traits):
        centre, per = surface.centre[a], 1.0 / surface.scale[a]
        row, to = values[surface.rows[a]], u[a]
        for j in range(n):
            to[j] = (row[begin + j] - centre) * per
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
        for b in range(a, traits):
            s0, s1, s2, s3 = square[0, a, b], square[1, a, b], square[2, a, b], square[3, a, b]
            other = u[b]
            for j in range(n):
                part0[j] += s0 * other[j]
                part1[j] += s1 * other[j]
                part2[j] += s2 * other[j]
                part3[j] += s3 * other[j]
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
