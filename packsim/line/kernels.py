"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, d defects; a chunk of up to CHUNK cells is built at once, so that random words are drawn in
loops that run on vector registers. Every value is a pure function of (plan, seed, address): the chunk, the thread and
the neighbours do not matter. Words of traits (or defects) k .. k + 3 come share one Philox call (numerics/purposes.py).
"""

import numpy as np

from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel
from packsim.numerics.purposes import (
    DEFECT_OCCURS_0,
    DEFECT_SEVERITY_0,
    TRAIT_LOT_0,
    TRAIT_ROLL_0,
    TRAIT_WITHIN_0,
)
from packsim.numerics.streams import _philox, _word, normal_from_word

ADD, LOSE = 0, 1  # how a defect acts on its trait
LARGEST_LOSS = 0.95
CHUNK = 1024
_TWO_32 = 4294967296.0


@kernel
def build_cells(values, lot, defect, address, plan, key0, key1, first, last):
    """Fill values[t, n], lot[n] and defect[n] for rows first .. last - 1 of address[n, 3], chunk by chunk."""
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        build_chunk(values[:, begin:end], lot[begin:end], defect[begin:end], address[begin:end], plan, key0, key1)


@kernel
def build_chunk(values, lot, defect, address, plan, key0, key1):
    """One chunk of `build_cells`."""
    n = lot.size
    counter = np.empty((3, n), np.uint64)  # slot, block, candidate
    for i in range(n):
        counter[0, i], counter[1, i], counter[2, i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])
    roll, of_roll, of_lot = rolls(lot, address, plan)
    drawn, base = np.empty((4, n)), np.empty((4, of_roll.shape[1]))
    for first in range(0, plan.location.size, 4):
        after = min(first + 4, plan.location.size)
        for t in range(first, after):
            base[t - first] = plan.location[t]
        group = first // 4
        add_normals(base, plan.sd_lot[first:after], of_lot, TRAIT_LOT_0 + group, key0, key1)
        add_normals(base, plan.sd_roll[first:after], of_roll, TRAIT_ROLL_0 + group, key0, key1)
        spreads = np.any(plan.sd_within[first:after] > 0.0)
        if spreads:
            normals(drawn, counter, TRAIT_WITHIN_0 + group, key0, key1)
        for t in range(first, after):
            spread(values[t], base[t - first], roll, plan.sd_within[t] if spreads else 0.0, drawn[t - first])
            finish(values[t], plan.lognormal[t])
    occurrences(defect, counter, plan, key0, key1)
    for i in range(n):
        if defect[i]:
            apply_defects(values, i, int(defect[i]), counter, plan, key0, key1)


@kernel
def spread(out, base, roll, sd, z):
    """out[n] = base of each cell's roll + sd z[n]; z is not read where sd is 0."""
    if sd == 0.0:
        for i in range(out.size):
            out[i] = base[roll[i]]
        return
    for i in range(out.size):
        out[i] = base[roll[i]] + sd * z[i]


@kernel
def add_normals(base, sd, counter, purpose, key0, key1):
    """Add sd[k] z[k, r] to base[k, r] for up to four traits of the rolls whose addresses `counter` [3, r] holds."""
    if not np.any(sd > 0.0):
        return
    drawn = np.empty(base.shape)
    normals(drawn, counter, purpose, key0, key1)
    for k in range(sd.size):
        for r in range(base.shape[1]):
            base[k, r] += sd[k] * drawn[k, r]


@kernel
def finish(row, lognormal):
    """Exponent of a lognormal trait; no trait is negative."""
    if lognormal:
        for i in range(row.size):
            row[i] = exp_fast(row[i])
    else:
        for i in range(row.size):
            row[i] = max(row[i], 0.0)


@kernel
def normals(out, counter, purpose, key0, key1):
    """Four standard normals of each address into out[4, n]; counter[3, n] holds slot, block, candidate."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    out0, out1, out2, out3 = out[0], out[1], out[2], out[3]
    for i in range(out.shape[1]):
        w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        out0[i] = normal_from_word(w0)
        out1[i] = normal_from_word(w1)
        out2[i] = normal_from_word(w2)
        out3[i] = normal_from_word(w3)


@kernel
def rolls(lot, address, plan):
    """Lot numbers into lot[n]; the run of cells of one roll [n] that each is in, and addresses of those rolls and lots.

    Addresses [3, r] (slot, block, candidate 0) are of their first cells; a lot across blocks begins in an earlier one.
    """
    n, slots, span = lot.size, plan.slots_per_block, plan.blocks_per_lot
    roll = np.empty(n, np.int32)
    of_roll, of_lot = np.zeros((3, n), np.uint64), np.zeros((3, n), np.uint64)
    count, block, begin, end, number = 0, -1, 0, 0, 0
    for i in range(n):
        position = (address[i, 0] - block) * slots + address[i, 1]  # within the blocks that one lot may span
        if block < 0 or position < begin or position >= end:
            block = address[i, 0] // span * span
            position = (address[i, 0] - block) * slots + address[i, 1]
            begin = position // plan.roll_cells * plan.roll_cells
            end = begin + plan.roll_cells
            own_lot = position // plan.lot_cells
            number = block // span * -(-span * slots // plan.lot_cells) + own_lot
            of_roll[0, count], of_roll[1, count] = _word(begin % slots), _word(block + begin // slots)
            first = own_lot * plan.lot_cells
            of_lot[0, count], of_lot[1, count] = _word(first % slots), _word(block + first // slots)
            count += 1
        lot[i] = number
        roll[i] = count - 1
    return roll, of_roll[:, :count].copy(), of_lot[:, :count].copy()


@kernel
def occurrences(defect, counter, plan, key0, key1):
    """Bit k of defect[n] where the k-th word of the address is under the k-th probability."""
    defect[:] = 0
    bound = np.zeros(8, np.uint64)
    for k in range(plan.probability.size):
        bound[k] = np.uint64(plan.probability[k] * _TWO_32 + 0.5)
    slot, block, candidate = counter[0], counter[1], counter[2]
    k0, k1, one = _word(key0), _word(key1), np.uint64(1)
    for group in range(2):
        b0, b1, b2, b3 = bound[4 * group], bound[4 * group + 1], bound[4 * group + 2], bound[4 * group + 3]
        if b0 + b1 + b2 + b3 == 0:
            continue
        c3, up = _word(DEFECT_OCCURS_0 + group), np.uint64(4 * group)
        for i in range(defect.size):
            w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
            mask = np.uint64(w0 < b0) | (np.uint64(w1 < b1) << one)
            mask |= (np.uint64(w2 < b2) | (np.uint64(w3 < b3) << one)) << np.uint64(2)
            defect[i] |= np.uint16(mask << up)


@kernel
def apply_defects(values, i, mask, counter, plan, key0, key1):
    """Severities median * exp(log_sd z) of cell i's defects, in their order, onto its traits."""
    slot, block, candidate = counter[0, i], counter[1, i], counter[2, i]
    for k in range(plan.probability.size):
        if not (mask >> k) & 1:
            continue
        w = _philox(slot, block, candidate, _word(DEFECT_SEVERITY_0 + k // 4), _word(key0), _word(key1))
        z = normal_from_word(w[0] if k % 4 == 0 else w[1] if k % 4 == 1 else w[2] if k % 4 == 2 else w[3])
        severity = plan.severity[k] * exp_fast(plan.severity_log_sd[k] * z)
        t = plan.defect_trait[k]
        if plan.defect_mode[k] == ADD:
            values[t, i] += severity
        else:
            values[t, i] *= 1.0 - min(severity, LARGEST_LOSS)
