"""Latent values that the cells of one lot, lane, roll or segment share (compiled).

Shapes: n cells of a stretch of addresses, v variables, p pieces (runs of cells that follow one another in one segment of
a roll), r rolls that the stretch touches. Pieces, not cells, are walked through: a segment has some tens of cells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import APART, VECTOR
from packsim.line.variation.kernels import (
    DRIFT,
    LANE,
    LOT,
    ROLL,
    Room,
    draw,
    exp_of_latent,
    exponential,
    room_for,
    write_level,
)
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.streams import _word

BATCH = 32  # segments whose innovations are drawn at once
BLOCK = 32  # cells of one piece that are spread at once
ROWS = 64  # of addresses that are looked at at once
NEXT_SLOT = np.tile(np.array([0, 1, 0]), ROWS)  # from one row of addresses to the next
NO_CANDIDATE = np.tile(np.array([-1, -1, 0]), ROWS)


class Sharing(NamedTuple):
    """What of the line's plan the cells' lots, lanes, rolls and segments need; every array costs each call 10 ns."""

    location: npt.NDArray[np.float64]  # [v]
    sd_lot: npt.NDArray[np.float64]  # [v]
    sd_roll: npt.NDArray[np.float64]  # [v]
    sd_lane: npt.NDArray[np.float64]  # [v]
    sd_drift: npt.NDArray[np.float64]  # [v]
    draws: npt.NDArray[np.float64]  # [lot, roll, within][v] > 0 where a normal is needed
    factor_lot: npt.NDArray[np.float64]  # [v, v]
    factor_roll: npt.NDArray[np.float64]  # [v, v]
    moves: npt.NDArray[np.int64]  # [m] the variables that move
    persistence: npt.NDArray[np.float64]  # [v]
    wear: npt.NDArray[np.float64]  # [v]
    tool_life: npt.NDArray[np.int64]  # [v]
    gain: npt.NDArray[np.float64]  # [v]
    target: npt.NDArray[np.float64]  # [v]
    any_moves: bool
    any_lanes: bool
    lanes: int
    segment_cells: int
    purpose: npt.NDArray[np.int64]  # [level, g]
    group_rows: npt.NDArray[np.int64]  # [g, 4]
    slots_per_block: int
    lot_cells: int
    roll_cells: int
    blocks_per_lot: int


class Shared(NamedTuple):
    """What the cells of a stretch share."""

    edges: npt.NDArray[np.int64]  # [p + 1] first row of each piece
    roll: npt.NDArray[np.int32]  # [p] the roll that it is in, of those of the stretch
    place: npt.NDArray[np.int64]  # [p] of its first cell in the roll
    level: npt.NDArray[np.float64]  # [v, p] latent value
    lane_level: npt.NDArray[np.float64]  # [v, r x (lanes + BLOCK)] of the positions across the web


class Moving(NamedTuple):
    """The variables that move [m], and where they are along the roll."""

    rows: npt.NDArray[np.int64]
    first_sd: npt.NDArray[np.float64]  # of drift in the first segment of a roll
    later_sd: npt.NDArray[np.float64]  # of what is new in each later one
    kept: npt.NDArray[np.float64]
    wear: npt.NDArray[np.float64]
    life: npt.NDArray[np.int64]
    gain: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]
    drift: npt.NDArray[np.float64]
    correction: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]
    base: npt.NDArray[np.float64]


class Innovations(NamedTuple):
    """What is new in each segment: normals of BATCH of them, and what these are drawn with and through."""

    z: npt.NDArray[np.float32]  # [v, BATCH]
    room: Room
    counter: npt.NDArray[np.uint64]  # [3, BATCH]
    drawn: npt.NDArray[np.float64]  # [v] > 0 where a normal is needed
    purpose: npt.NDArray[np.int64]  # [g]
    group_rows: npt.NDArray[np.int64]  # [g, 4]


@allocating_kernel
def sharing_of(plan):
    """The part of the line's plan; see there."""
    return Sharing(
        plan.location,
        plan.sd_lot,
        plan.sd_roll,
        plan.sd_lane,
        plan.sd_drift,
        plan.draws,
        plan.factor_lot,
        plan.factor_roll,
        plan.moves,
        plan.persistence,
        plan.wear,
        plan.tool_life,
        plan.gain,
        plan.target,
        plan.any_moves,
        plan.any_lanes,
        plan.lanes,
        plan.segment_cells,
        plan.purpose,
        plan.group_rows,
        plan.slots_per_block,
        plan.lot_cells,
        plan.roll_cells,
        plan.blocks_per_lot,
    )


@allocating_kernel
def shared(lot, address, in_turn, sharing, key0, key1):
    """What the cells at address[n, 3] share, which may follow one another (`follow`); their lot numbers into lot[n]."""
    edges, roll, place, of_roll, of_lot, lot_of, begins = pieces(lot, address, in_turn, sharing)
    level = piece_levels(roll, place, of_roll, of_lot, lot_of, begins, sharing, key0, key1)
    return Shared(edges, roll, place, level, lane_levels(of_lot, lot_of, sharing, key0, key1))


@allocating_kernel
def pieces(lot, address, in_turn, sharing):
    """Lot numbers into lot[n]; edges [p + 1] of the pieces, their rolls [p], places [p] of their first cells there.

    Then addresses [3, r] (slot, block, candidate 0) of the first cells of those rolls and [3, l] of their lots, the lot
    [r] of each roll, and running numbers [r] of the rolls' first cells over the whole line. A lot across blocks begins in
    an earlier one.

    Raises:
        ValueError: a slot that the line's blocks do not have.
    """
    n, slots, span = lot.size, sharing.slots_per_block, sharing.blocks_per_lot
    longest = sharing.segment_cells if sharing.any_moves else sharing.roll_cells
    edges, of_piece, place = np.empty(n + 1, np.int64), np.empty(n, np.int32), np.empty(n, np.int64)
    of_roll, of_lot, begins = np.empty((3, n), np.uint64), np.empty((3, n), np.uint64), np.empty(n, np.int64)
    lot_of = np.empty(n, np.int32)
    lots = -(-span * slots // sharing.lot_cells)
    count, rolls, known, block, begin, end, number, i, run = 0, 0, 0, -1, 0, 0, 0, 0, 0
    while i < n:
        position = (address[i, 0] - block) * slots + address[i, 1]  # within the blocks that one lot may span
        if block < 0 or position < begin or position >= end:
            block = address[i, 0] // span * span if span > 1 else address[i, 0]
            position = (address[i, 0] - block) * slots + address[i, 1]
            begin = position // sharing.roll_cells * sharing.roll_cells
            end = min(begin + sharing.roll_cells, span * slots)  # blocks that no lot leaves end a roll, too
            own_lot = position // sharing.lot_cells
            number = block // span * lots + own_lot if span > 1 else block * lots + own_lot
            first = own_lot * sharing.lot_cells
            before_roll, before_lot = 0, 0  # blocks
            if span > 1:  # else no division: where each cell has a roll of its own they were a fifth of the time
                before_roll, before_lot = begin // slots, first // slots
            of_roll[0, rolls], of_roll[1, rolls] = _word(begin - before_roll * slots), _word(block + before_roll)
            slot, block_of_lot = _word(first - before_lot * slots), _word(block + before_lot)
            if known == 0 or of_lot[0, known - 1] != slot or of_lot[1, known - 1] != block_of_lot:
                of_lot[0, known], of_lot[1, known] = slot, block_of_lot
                known += 1
            of_roll[2, rolls] = of_lot[2, known - 1] = np.uint64(0)
            begins[rolls], lot_of[rolls] = block * slots + begin, known - 1
            rolls += 1
        edges[count], of_piece[count], place[count] = i, rolls - 1, position - begin
        count += 1
        if i >= run:
            run = min(i + end - position, n)
            run = run if in_turn else end_of_run(address, i, run)
            if address[i, 1] < 0 or address[max(run, i + 1) - 1, 1] >= slots:  # slots of a run follow one another
                raise ValueError("a slot that the line's blocks do not have")
        after = min(i + longest - (position - begin) % longest, run)
        fill(lot[i:after], number)
        i = after
    edges[count] = n
    first_cells = filled_up(of_roll, rolls), filled_up(of_lot, known)
    return (
        edges[: count + 1],
        of_piece[:count],
        place[:count],
        first_cells[0],
        first_cells[1],
        lot_of[:rolls],
        begins[:rolls],
    )


@kernel
def fill(lot, number):
    """The same number for all cells of lot[n]; apart from `pieces`, where a store could change what it reads."""
    for k in range(lot.size):
        lot[k] = number


@allocating_kernel
def filled_up(address, count):
    """The first `count` of address[3, n], and the last of them again up to whole vectors: a rest is drawn one by one."""
    out = np.empty((3, (count + VECTOR - 1) // VECTOR * VECTOR), np.uint64)
    for k in range(3):
        for i in range(out.shape[1]):
            out[k, i] = address[k, min(i, count - 1)]
    return out


@allocating_kernel
def end_of_run(address, first, end):
    """Where slots that follow one another in one block from row `first` on stop doing so, `end` at the latest.

    Growing parts of rows are looked at all at once, which is quick, until one has a row that does not follow.
    """
    numbers = address.reshape(address.size)  # row after row: looked at in memory's order, not column by column
    begin, size = first + 1, 1
    while begin < end:
        stop, apart = min(begin + size, end), np.int64(0)
        later, earlier = numbers[3 * begin : 3 * stop], numbers[3 * begin - 3 : 3 * stop - 3]
        for j in range(later.size):
            apart |= ((later[j] - earlier[j]) ^ NEXT_SLOT[j]) & NO_CANDIDATE[j]
        if apart != 0:
            break
        begin, size = stop, min(2 * size, ROWS)
    block, ahead = address[first, 0], address[first, 1] - first
    while begin < end and address[begin, 0] == block and address[begin, 1] - begin == ahead:
        begin += 1
    return begin


@allocating_kernel
def follow(address):
    """Whether all rows of address[n, 3] are of one block and candidate, and their slots follow one another."""
    numbers = address.reshape(address.size)
    later, earlier = numbers[3:], numbers[: numbers.size - 3]
    for begin in range(0, later.size, 3 * ROWS):
        apart = np.int64(0)
        for j in range(min(3 * ROWS, later.size - begin)):
            apart |= (later[begin + j] - earlier[begin + j]) ^ NEXT_SLOT[j]
        if apart != 0:
            return False
    return True


@allocating_kernel
def piece_levels(of_piece, place, of_roll, of_lot, lot_of, begins, sharing, key0, key1):
    """Latent values [v, p] of pieces: location, lot, roll, drift, wear and what the closed loop took out."""
    of_rolls = roll_levels(of_roll, of_lot, lot_of, sharing, key0, key1)
    level = np.empty((sharing.location.size, of_piece.size))
    for v in range(sharing.location.size):
        own, source = level[v], of_rolls[v]
        for p in range(own.size):
            own[p] = source[of_piece[p]]
    if sharing.any_moves:
        walk(level, of_rolls, of_piece, place, of_roll, begins, sharing, key0, key1)
    return level


@allocating_kernel
def roll_levels(of_roll, of_lot, lot_of, sharing, key0, key1):
    """Latent values [v, r] of rolls: location, lot and roll."""
    count, lots, rolls = sharing.location.size, of_lot.shape[1], of_roll.shape[1]
    z, of_lots, level = (
        np.empty((count, max(lots, rolls)), np.float32),
        np.empty((count, lots)),
        np.empty((count, rolls)),
    )
    for v in range(count):
        of_lots[v] = sharing.location[v]
    draw(z, APART, sharing.draws[LOT], of_lot, sharing.purpose[LOT], sharing.group_rows, key0, key1)
    add(of_lots, sharing.sd_lot, sharing.factor_lot, z)
    for v in range(count):
        for r in range(rolls):
            level[v, r] = of_lots[v, lot_of[min(r, lot_of.size - 1)]]
    draw(z, APART, sharing.draws[ROLL], of_roll, sharing.purpose[ROLL], sharing.group_rows, key0, key1)
    add(level, sharing.sd_roll, sharing.factor_roll, z)
    return level


@kernel
def add(level, sd, factor, z):
    """level[v, m] += sd[v] factor[v] z[m] where sd is not 0."""
    for v in range(sd.size):
        if sd[v] > 0.0:
            for other in range(v + 1):
                if factor[v, other] != 0.0:
                    for m in range(level.shape[1]):
                        level[v, m] += sd[v] * factor[v, other] * z[other, m]


@allocating_kernel
def walk(level, of_rolls, of_piece, place, of_roll, begins, sharing, key0, key1):
    """Levels [v, p] of the variables that move, segment by segment along the rolls.

    Drift is a stationary first-order autoregressive process over the segments of a roll; wear grows from tool change to
    tool change, by running numbers of cells; the loop subtracts `gain` of each segment's deviation from all later ones.
    A segment follows from its predecessors in the roll, so at most one roll is walked through for it. All variables are
    walked at once (m of them): each waits for its own last segment, but not for the others.
    """
    rows = sharing.moves
    room, kept = np.zeros((4, rows.size)), sharing.persistence[rows]
    moving = Moving(
        rows,
        sharing.sd_drift[rows],
        np.sqrt(1.0 - kept**2) * sharing.sd_drift[rows],
        kept,
        sharing.wear[rows],
        sharing.tool_life[rows],
        sharing.gain[rows],
        sharing.target[rows],
        room[0],
        room[1],
        room[2],
        room[3],
    )
    news = Innovations(
        np.zeros((sharing.location.size, BATCH), np.float32),  # rows that do not drift stay 0
        room_for(BATCH),
        np.empty((3, BATCH), np.uint64),
        sharing.sd_drift,
        sharing.purpose[DRIFT],
        sharing.group_rows,
    )
    length = sharing.segment_cells
    walk_pieces(level, of_rolls, of_piece, place, of_roll, begins, length, moving, news, key0, key1)


@kernel
def walk_pieces(level, of_rolls, of_piece, place, of_roll, begins, length, moving, news, key0, key1):
    """The loop of `walk`, apart because it counts no references."""
    rows, kept, gain, target, wear, life = (
        moving.rows,
        moving.kept,
        moving.gain,
        moving.target,
        moving.wear,
        moving.life,
    )
    drift, correction, own, base = moving.drift, moving.correction, moving.own, moving.base
    at, upcoming = -1, np.int64(0)
    for p in range(of_piece.size):
        r, number = of_piece[p], place[p] // length
        if r != at or number < upcoming - 1:
            at, upcoming = r, np.int64(0)
            for m in range(rows.size):
                drift[m], correction[m], base[m] = 0.0, 0.0, of_rolls[rows[m], r]
        while upcoming <= number:
            b = upcoming % BATCH
            if b == 0:
                innovate(news, of_roll[0, r], of_roll[1, r], upcoming, key0, key1)
            cell = begins[r] + upcoming * length
            for m in range(rows.size):
                sd = moving.first_sd[m] if upcoming == 0 else moving.later_sd[m]
                drift[m] = kept[m] * drift[m] + sd * news.z[rows[m], b]
                own[m] = base[m] + drift[m] + correction[m]
                if wear[m] != 0.0:
                    own[m] += wear[m] * ((cell % life[m]) / life[m])
                correction[m] -= gain[m] * (own[m] - target[m])
            upcoming += 1
        for m in range(rows.size):
            level[rows[m], p] = own[m]


@kernel
def innovate(news, slot, block, segment, key0, key1):
    """Normals of the roll that begins at `slot` of `block`, of BATCH segments from `segment` on."""
    counter = news.counter
    for k in range(BATCH):
        counter[0, k], counter[1, k], counter[2, k] = slot, block, _word(segment + k)
    write_level(news.z, news.room, APART, news.drawn, counter, news.purpose, news.group_rows, key0, key1)


@kernel
def piece_of(edges, row):
    """The piece that a row is in, by halving, without a branch that a processor could guess wrong."""
    low, count = 0, edges.size - 1
    while count > 1:
        half = count // 2
        low += half if edges[low + half] <= row else 0
        count -= half
    return low


@kernel
def cut(own, edges, first, last):
    """The first of the pieces that rows first .. last - 1 touch, and how many these are.

    The first of own[...] take where they begin, counted from `first`, and the end.
    """
    piece = piece_of(edges, first)
    count = piece_of(edges, last - 1) + 1 - piece
    for p in range(count + 1):
        own[p] = min(max(edges[piece + p], first), last) - first
    return piece, count


@kernel
def spread(x, z, part, least, grows, level, piece, edges):
    """x[n] = level of each cell's piece + part z[n], `least` at the least, or if it `grows` the exponential of that.

    Pieces as from `cut`, the first of which is number `piece`. Those of one level in one go, and whole blocks of cells,
    without a remainder to be done one by one: what a block writes beyond the end of a piece the next piece writes again.
    """
    if edges.size - 1 == x.size:  # each cell has a piece of its own
        own_level = level[piece : piece + x.size]
        for i in range(x.size):
            x[i] = max(own_level[i] + part * z[i], least)
        if grows:
            exponential(x)
        return
    p = 0
    while p < edges.size - 1:
        own, begin = level[piece + p], edges[p]
        p += 1
        while p < edges.size - 1 and level[piece + p] == own:
            p += 1
        end = min(begin + (edges[p] - begin + BLOCK - 1) // BLOCK * BLOCK, x.size)
        cells, terms = x[begin:end], z[begin:end]
        if (
            grows
        ):  # at once, not row after row: the exponential takes so long that what is loaded and stored costs nothing
            for i in range(cells.size):
                cells[i] = exp_of_latent(own + part * terms[i])
        else:
            for i in range(cells.size):
                cells[i] = max(own + part * terms[i], least)


@kernel
def spread_in_lanes(x, z, part, least, level, lane_level, columns, lanes, piece, edges):
    """As `spread`, with the deviations of positions across the web, from `columns` [2, p] on (`put_columns`)."""
    step = BLOCK % lanes  # here: a division in the loop would be made for every block
    for p in range(edges.size - 1):
        own, column, last = level[piece + p], columns[0, p], columns[1, p]
        for begin in range(edges[p], edges[p + 1], BLOCK):
            if begin + BLOCK <= x.size:  # apart, because of a fixed number of cells LLVM makes shorter code
                cells, terms = x[begin : begin + BLOCK], z[begin : begin + BLOCK]
                of_lanes = lane_level[column : column + BLOCK]
                for i in range(BLOCK):
                    cells[i] = max(own + of_lanes[i] + part * terms[i], least)
            else:
                for i in range(x.size - begin):
                    x[begin + i] = max(own + lane_level[column + i] + part * z[begin + i], least)
            column += step
            if column >= last:
                column -= lanes


@kernel
def put_columns(out, shared, lanes, first, piece, edges):
    """Columns of `lane_levels` [2, p] where pieces begin and where positions across the web begin anew.

    Once for all variables: a remainder takes as long as ten cells. Row 0 of the edges is row `first` of the stretch.
    """
    for p in range(edges.size - 1):
        out[0, p] = lane_of(shared, piece + p, first + edges[p], lanes)
        out[1, p] = shared.roll[piece + p] * (lanes + BLOCK) + lanes


@kernel
def lane_of(shared, piece, row, lanes):
    """Column of `lane_levels` of a row: positions across the web are dealt out to the cells of a roll in turn."""
    return shared.roll[piece] * (lanes + BLOCK) + (shared.place[piece] + row - shared.edges[piece]) % lanes


@allocating_kernel
def lane_levels(of_lot, lot_of, sharing, key0, key1):
    """Latent deviations [v, r x (lanes + BLOCK)] of the positions across the web, one set for each roll's lot.

    BLOCK more columns go on from the first, so that a block of cells can begin at any position.
    """
    variables, lanes = sharing.location.size, sharing.lanes
    if not sharing.any_lanes:
        return np.empty((variables, 0))
    lots = of_lot.shape[1]
    counter = np.empty((3, lots * lanes), np.uint64)
    for own in range(lots):
        for lane in range(lanes):
            counter[0, own * lanes + lane], counter[1, own * lanes + lane] = of_lot[0, own], of_lot[1, own]
            counter[2, own * lanes + lane] = _word(lane)
    z, out = np.empty((variables, lots * lanes), np.float32), np.empty((variables, lot_of.size * (lanes + BLOCK)))
    draw(z, APART, sharing.sd_lane, counter, sharing.purpose[LANE], sharing.group_rows, key0, key1)
    repeat_lanes(out, z, sharing.sd_lane, lot_of, lanes)
    return out


@kernel
def repeat_lanes(out, z, sd, lot_of, lanes):
    """Normals z[v, l x lanes] of the lots' sets times sd[v] into out[v, r x (lanes + BLOCK)], over and over."""
    columns = lanes + BLOCK
    for v in range(sd.size):
        if sd[v] > 0.0:
            for r in range(lot_of.size):
                for c in range(columns):
                    out[v, r * columns + c] = sd[v] * z[v, lot_of[r] * lanes + c % lanes]
