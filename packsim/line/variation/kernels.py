"""Variables of a chunk of cells from the normals of their lots, lanes, rolls, segments and their own (compiled).

Shapes: n cells of a chunk, v variables (traits first, then the user's), r rolls and s segments that the chunk touches.
Words come from Philox calls that four variables share: `plan.group_rows` says which (numerics/purposes.py).
"""

import numpy as np

from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel
from packsim.numerics.streams import _philox, _word, normal_from_word

NORMAL, LOGNORMAL, TABLE = 0, 1, 2  # how a latent value becomes the variable
LOT, ROLL, WITHIN, LANE, DRIFT, REWORK = 0, 1, 2, 3, 4, 5  # rows of plan.purpose
KNOTS = 2049
REACH = 7.0  # tables hold latent values from -REACH to REACH


@kernel
def rolls(lot, address, plan):
    """Lot numbers into lot[n]; the run of cells of one roll [n] that each is in, places [n] in the roll, and addresses.

    Addresses [3, r] (slot, block, candidate 0) are of the first cells of those rolls and of their lots; a lot across
    blocks begins in an earlier one. `begins` [r] is the running number of the roll's first cell over the whole line.
    """
    n, slots, span = lot.size, plan.slots_per_block, plan.blocks_per_lot
    roll, place = np.empty(n, np.int32), np.empty(n, np.int64)
    of_roll, of_lot = np.empty((3, n), np.uint64), np.empty((3, n), np.uint64)
    begins = np.empty(n, np.int64)
    count, block, begin, end, number = 0, -1, 0, 0, 0
    for i in range(n):
        position = (address[i, 0] - block) * slots + address[i, 1]  # within the blocks that one lot may span
        if block < 0 or position < begin or position >= end:
            block = address[i, 0] // span * span
            position = (address[i, 0] - block) * slots + address[i, 1]
            begin = position // plan.roll_cells * plan.roll_cells
            end = min(begin + plan.roll_cells, span * slots)  # blocks that no lot leaves end a roll, too
            own_lot = position // plan.lot_cells
            number = block // span * -(-span * slots // plan.lot_cells) + own_lot
            of_roll[0, count], of_roll[1, count] = _word(begin % slots), _word(block + begin // slots)
            first = own_lot * plan.lot_cells
            of_lot[0, count], of_lot[1, count] = _word(first % slots), _word(block + first // slots)
            of_roll[2, count] = of_lot[2, count] = np.uint64(0)
            begins[count] = block * slots + begin
            count += 1
        lot[i] = number
        roll[i] = count - 1
        place[i] = position - begin
    return roll, place, of_roll[:, :count].copy(), of_lot[:, :count].copy(), begins[:count].copy()


@kernel
def segments(roll, place, segment_cells):
    """The run of cells of one segment [n] that each is in, with roll [s] and number within it [s] of those segments."""
    n = roll.size
    segment = np.empty(n, np.int32)
    of_roll, number = np.empty(n, np.int32), np.empty(n, np.int64)
    count, own_roll, begin = 0, -1, 0
    for i in range(n):
        if roll[i] != own_roll or place[i] < begin or place[i] >= begin + segment_cells:
            own_roll, own = roll[i], place[i] // segment_cells
            begin = own * segment_cells
            of_roll[count], number[count] = own_roll, own
            count += 1
        segment[i] = count - 1
    return segment, of_roll[:count].copy(), number[:count].copy()


@kernel
def normals(out, counter, purpose, key0, key1):
    """Four standard normals of each address into out[4, n]; counter[3, n] holds slot, block, candidate."""
    write_normals(out[0], out[1], out[2], out[3], counter, purpose, key0, key1)


@kernel
def write_normals(out0, out1, out2, out3, counter, purpose, key0, key1):
    """As `normals`, into four arrays [n]."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(out0.size):
        w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        out0[i] = normal_from_word(w0)
        out1[i] = normal_from_word(w1)
        out2[i] = normal_from_word(w2)
        out3[i] = normal_from_word(w3)


@kernel
def write_two_normals(out0, out1, counter, purpose, key0, key1):
    """The first two of `write_normals`."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(out0.size):
        w = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        out0[i] = normal_from_word(w[0])
        out1[i] = normal_from_word(w[1])


@kernel
def write_one_normal(out, counter, purpose, key0, key1):
    """The first of `write_normals`."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(out.size):
        out[i] = normal_from_word(_philox(slot[i], block[i], candidate[i], c3, k0, k1)[0])


@kernel
def draw(z, begin, wanted, counter, purpose, group_rows, key0, key1):
    """Normals of one level into z[v + 1, begin ...] where wanted[v] > 0; the last row takes what nobody asks for.

    Rows are cut out one by one: of a piece of all rows the compiler would not know that they are contiguous. No row is
    written twice in one call, which would keep the loop from vector registers (34 instead of 4 ns for four normals).
    """
    spare, end = z.shape[0] - 1, begin + counter.shape[1]
    for g in range(purpose.size):
        r0, r1, r2, r3 = group_rows[g, 0], group_rows[g, 1], group_rows[g, 2], group_rows[g, 3]
        used = False
        for k in range(4):
            row = group_rows[g, k]
            used = used or (row < spare and wanted[row] > 0.0)
        if not used:
            continue
        if r1 == spare:
            write_one_normal(z[r0, begin:end], counter, purpose[g], key0, key1)
        elif r2 == spare:
            write_two_normals(z[r0, begin:end], z[r1, begin:end], counter, purpose[g], key0, key1)
        else:
            write_normals(
                z[r0, begin:end], z[r1, begin:end], z[r2, begin:end], z[r3, begin:end], counter, purpose[g], key0, key1
            )


@kernel
def correlate(z, begin, end, factor):
    """Rows of z[v + 1, begin : end] times the lower triangle factor[v, v], in place."""
    for row in range(factor.shape[0] - 1, -1, -1):
        own = z[row, begin:end]
        if factor[row, row] != 1.0:
            for i in range(own.size):
                own[i] *= factor[row, row]
        for other in range(row):
            if factor[row, other] != 0.0:
                part, term = factor[row, other], z[other, begin:end]
                for i in range(own.size):
                    own[i] += part * term[i]


@kernel
def roll_levels(of_roll, of_lot, plan, key0, key1):
    """Latent values [v, r] of rolls: location, lot and roll."""
    count = of_roll.shape[1]
    z = np.zeros((plan.location.size + 1, count))
    level = np.empty((plan.location.size, count))
    for v in range(plan.location.size):
        for r in range(count):
            level[v, r] = plan.location[v]
    draw(z, 0, plan.draws[LOT], of_lot, plan.purpose[LOT], plan.group_rows, key0, key1)
    if plan.correlated[LOT]:
        correlate(z, 0, count, plan.factor_lot)
    add(level, plan.sd_lot, z)
    draw(z, 0, plan.draws[ROLL], of_roll, plan.purpose[ROLL], plan.group_rows, key0, key1)
    if plan.correlated[ROLL]:
        correlate(z, 0, count, plan.factor_roll)
    add(level, plan.sd_roll, z)
    return level


@kernel
def add(level, sd, z):
    """level[v, m] += sd[v] z[v, m] where sd is not 0."""
    for v in range(sd.size):
        if sd[v] > 0.0:
            for r in range(level.shape[1]):
                level[v, r] += sd[v] * z[v, r]


@kernel
def segment_levels(level, own_roll, number, of_roll, begins, plan, key0, key1):
    """Latent values [v, s] of segments: those of their rolls, plus drift and wear, less what the closed loop took out.

    Drift is a stationary first-order autoregressive process over the segments of a roll; wear grows from tool change to
    tool change, by running numbers of cells; the loop subtracts `gain` of each segment's deviation from all later ones.
    A segment follows from its predecessors in the roll, so at most one roll is walked through for it.
    """
    out = np.empty((plan.location.size, own_roll.size))
    for v in range(plan.location.size):
        for s in range(own_roll.size):
            out[v, s] = level[v, own_roll[s]]
    for g in range(plan.group_rows.shape[0]):
        moves = False
        for k in range(4):
            moves = moves or (plan.group_rows[g, k] < plan.location.size and plan.moves[plan.group_rows[g, k]])
        if moves:
            walk(out, level, g, own_roll, number, of_roll, begins, plan, key0, key1)
    return out


@kernel
def walk(out, level, g, own_roll, number, of_roll, begins, plan, key0, key1):
    """The four variables of group g along the rolls of `segment_levels`."""
    drift, correction, z = np.zeros(4), np.zeros(4), np.zeros(4)
    purpose, k0, k1 = _word(plan.purpose[DRIFT, g]), _word(key0), _word(key1)
    drifts = False
    for k in range(4):
        v = plan.group_rows[g, k]
        drifts = drifts or (v < plan.location.size and plan.sd_drift[v] > 0.0)
    at, upcoming = -1, np.int64(0)
    for s in range(own_roll.size):
        r = own_roll[s]
        if r != at or number[s] < upcoming:
            at, upcoming = r, np.int64(0)
            correction[:] = 0.0
        while upcoming <= number[s]:
            if drifts:
                w0, w1, w2, w3 = _philox(of_roll[0, r], of_roll[1, r], _word(upcoming), purpose, k0, k1)
                z[0], z[1] = normal_from_word(w0), normal_from_word(w1)
                z[2], z[3] = normal_from_word(w2), normal_from_word(w3)
            cell = begins[r] + upcoming * plan.segment_cells
            for k in range(4):
                v = plan.group_rows[g, k]
                if v == plan.location.size or not plan.moves[v]:
                    continue
                fresh = 1.0 if upcoming == 0 else np.sqrt(1.0 - plan.persistence[v] ** 2)
                kept = 0.0 if upcoming == 0 else plan.persistence[v]
                drift[k] = kept * drift[k] + fresh * plan.sd_drift[v] * z[k]
                worn = plan.wear[v] * ((cell % plan.tool_life[v]) / plan.tool_life[v])
                own = level[v, r] + drift[k] + worn + correction[k]
                correction[k] -= plan.gain[v] * (own - plan.target[v])
                if upcoming == number[s]:
                    out[v, s] = own
            upcoming += 1


@kernel
def lane_numbers(roll, place, lanes):
    """Column of `lane_levels` [n] for each cell: positions across the web are dealt out to the cells of a roll in turn."""
    lane = np.empty(roll.size, np.int32)
    position = 0
    for i in range(roll.size):
        if i > 0 and roll[i] == roll[i - 1] and place[i] == place[i - 1] + 1:
            position = position + 1 if position + 1 < lanes else 0
        else:
            position = place[i] % lanes
        lane[i] = roll[i] * lanes + position
    return lane


@kernel
def lane_levels(of_lot, plan, key0, key1):
    """Latent deviations [v, r x lanes] of the positions across the web, one set for each roll's lot."""
    count, lanes = of_lot.shape[1], plan.lanes
    counter = np.empty((3, count * lanes), np.uint64)
    for r in range(count):
        for lane in range(lanes):
            counter[0, r * lanes + lane], counter[1, r * lanes + lane] = of_lot[0, r], of_lot[1, r]
            counter[2, r * lanes + lane] = _word(lane)
    z, out = np.zeros((plan.location.size + 1, count * lanes)), np.zeros((plan.location.size, count * lanes))
    draw(z, 0, plan.sd_lane, counter, plan.purpose[LANE], plan.group_rows, key0, key1)
    add(out, plan.sd_lane, z)
    return out


@kernel
def spread(x, level, segment, edges, sd, lane_level, lane, floor):
    """x[n] = max(floor, level of each cell's segment + that of its lane + sd x[n]); x is not read where sd is 0.

    Long segments, edges[s] to edges[s + 1], are done one after the other; cells from here and there one by one.
    """
    n = x.size
    if lane_level.size > 0:
        for i in range(n):
            x[i] = max(level[segment[i]] + lane_level[lane[i]] + (sd * x[i] if sd > 0.0 else 0.0), floor)
    elif sd == 0.0:
        for i in range(n):
            x[i] = max(level[segment[i]], floor)
    elif 8 * level.size > n:
        for i in range(n):
            x[i] = max(level[segment[i]] + sd * x[i], floor)
    else:
        for s in range(level.size):
            own = level[s]
            for i in range(edges[s], edges[s + 1]):
                x[i] = max(own + sd * x[i], floor)


@kernel
def edges_of(segment, count):
    """Where each run of cells begins [s + 1]; segment[n] numbers the runs in order."""
    edges = np.empty(count + 1, np.int64)
    edges[count] = segment.size
    for i in range(segment.size - 1, -1, -1):
        edges[segment[i]] = i
    return edges


@kernel
def shape(x, form, table, centre, scale):
    """Latent values x[n] of a variable into the variable itself, in place; nothing is negative."""
    if form == LOGNORMAL:
        for i in range(x.size):
            x[i] = exp_fast(x[i])
    elif form == TABLE:
        for i in range(x.size):
            x[i] = max(centre + scale * look_up(table, x[i]), 0.0)


@kernel
def shaped(u, form, table, centre, scale):
    """One latent value of a variable as the variable itself."""
    if form == LOGNORMAL:
        return exp_fast(u)
    if form == TABLE:
        return max(centre + scale * look_up(table, u), 0.0)
    return max(u, 0.0)


@kernel
def look_up(table, u):
    """table[KNOTS] at the latent value u, linear between knots, its ends beyond them."""
    at = (min(max(u, -REACH), REACH) + REACH) * ((KNOTS - 1) / (2.0 * REACH))
    k = min(int(at), KNOTS - 2)
    return table[k] + (at - k) * (table[k + 1] - table[k])
