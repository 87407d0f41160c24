"""In-line inspections of a chunk of cells (compiled): who is found, scrapped, reworked.

Shapes: n cells, t traits, v variables, j inspected steps in their order, d defects. Most cells are good and raise no
false alarm: loops over all cells only look for those to be looked at more closely (`digits.kernels`). The 32 bits after
the first digit are drawn only for the one cell in 256 whose first digit does not decide.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import addresses_of, word_of
from packsim.line.digits.kernels import STEP, pick
from packsim.line.variation.kernels import room_for, row_of, shaped, write_neighbours
from packsim.line.variation.levels.kernels import lane_of, piece_of
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import NAMED
from packsim.numerics.streams import uniform_from_word, write_short_normals, write_words

_TWO_40 = 1099511627776.0
_32, _DIGIT, _WORD = np.uint64(32), np.uint32(0xFF), np.uint64(0xFFFFFFFF)


class InLinePlan(NamedTuple):
    """j inspected steps in their order, v variables, d defects, h word groups."""

    alarm: npt.NDArray[np.float64]  # [j] probability of rejecting a good piece
    found: npt.NDArray[np.float64]  # [j] probability of finding one that misses its limits
    found_defect: npt.NDArray[np.float64]  # [j, d] probability of finding each defect
    looks_for: npt.NDArray[np.uint16]  # [j] bits of the defects that the step looks for
    made_here: npt.NDArray[np.uint16]  # [j] bits of the defects made at the step, which rework removes
    rework: npt.NDArray[np.bool_]  # [j]
    rework_yield: npt.NDArray[np.float64]  # [j]
    limited_at: npt.NDArray[np.int64]  # [v] inspected step that checks the variable's limits, -1 for none
    limited: npt.NDArray[np.int64]  # [limited variables] in the order of those steps
    limited_from: npt.NDArray[np.int64]  # [j + 1] where those of each step begin in `limited`
    set_at: npt.NDArray[np.int64]  # [v] inspected step that sets the variable, -1 for none
    lower: npt.NDArray[np.float64]  # [v]
    upper: npt.NDArray[np.float64]  # [v]
    purpose: npt.NDArray[np.int64]  # [j] of the first digit of the uniform that decides
    digit: npt.NDArray[np.int64]  # [j] which of the 16 digits of that purpose
    digits_purpose: npt.NDArray[np.int64]  # [j] of the word after that digit
    rework_purpose: npt.NDArray[np.int64]  # [j]
    word: npt.NDArray[np.int64]  # [j] of both


class Suspects(NamedTuple):
    """The cells [m] of a chunk that any step may reject."""

    cells: npt.NDArray[np.uint32]
    words: npt.NDArray[np.uint32]  # [4, m] in which the steps have their first digits
    faults: npt.NDArray[np.uint32]  # a bit for each step of which a variable misses its limits
    traces: npt.NDArray[np.uint16]  # defects
    look: npt.NDArray[np.uint8]  # room: bit STEP for those that one step looks at more closely
    those: npt.NDArray[np.uint32]  # room: their numbers among `cells`


@allocating_kernel
def inspect(scrapped, rejected, defect, look, x, own, begin, common, offset, order, counter, line, within, key0, key1):
    """Fill scrapped[n] (-1 as given, or the inspected step that scrapped it) and rejected[n] (0 as given; a bit for each
    step that did not pass it at first); reworked cells change their variables (`row_of` x, own) and defect[n].

    look[n] has bit STEP where a good piece may be rejected, and is given it where one is not good. The cells that any step
    may reject go through all of them; each fault of a piece is found independently of the others.
    """
    missed = limits_missed(x, own, begin, scrapped.size, line.limited, line.limited_at, line.lower, line.upper)
    note_faults(look, missed, defect, line.looks_for)
    cells = np.empty(look.size, np.uint32)
    cells = cells[: pick(cells, look, STEP)]
    address, again = addresses_of(cells, counter, order), np.empty(cells.size, np.uint32)
    suspects = suspects_of(cells, missed, defect)
    for j in range(line.alarm.size):
        if j == 0 or line.purpose[j] != line.purpose[j - 1]:
            w = suspects.words
            write_words(w[0], w[1], w[2], w[3], address, line.purpose[j], key0, key1)
        count = reject(again, scrapped, rejected, defect, suspects, x, own, begin, order, counter, line, j, key0, key1)
        if line.rework[j] and count > 0:
            share, purpose = line.rework_yield[j], line.rework_purpose[j]
            count = turn_out_well(again[:count], order, counter, purpose, line.word[j], share, key0, key1)
            for m in range(count):
                scrapped[again[m]] = -1
                defect[again[m]] &= ~line.made_here[j]
            if count > 0:
                make_again(
                    again[:count], x, own, begin, line.set_at, j, common, offset, order, counter, within, key0, key1
                )


@allocating_kernel
def suspects_of(cells, missed, defect):
    """`cells` as suspects, their words still to be drawn."""
    size = cells.size
    faults, traces = np.empty(size, np.uint32), np.empty(size, np.uint16)
    for m in range(size):
        faults[m], traces[m] = missed[cells[m]], defect[cells[m]]
    words, look, those = np.empty((4, size), np.uint32), np.empty(size, np.uint8), np.empty(size, np.uint32)
    return Suspects(cells, words, faults, traces, look, those)


@kernel
def reject(again, scrapped, rejected, defect, suspects, x, own, begin, order, counter, line, j, key0, key1):
    """Cells that step j rejects into the first of again[n]; how many. Noted as scrapped, too.

    Apart from `inspect`, because it counts no references.
    """
    cells, faults, traces, look, those = (
        suspects.cells,
        suspects.faults,
        suspects.traces,
        suspects.look,
        suspects.those,
    )
    count, alarm = 0, line.alarm[j]
    word, shift = suspects.words[line.digit[j] // 4], np.uint32(8 * (line.digit[j] % 4))
    limit = np.uint32(np.uint64(alarm * _TWO_40 + 0.5) >> _32)
    note_suspects(look, word, shift, limit, faults, np.uint32(1 << j), traces, line.looks_for[j])
    for q in range(pick(those, look, STEP)):
        m = those[q]
        i = cells[m]
        if scrapped[i] >= 0:
            continue
        unseen = 1.0 - alarm
        if (faults[m] >> j) & 1:
            for own_limit in range(line.limited_from[j], line.limited_from[j + 1]):
                v = line.limited[own_limit]
                value = x[v, begin + i] if v < x.shape[0] else own[v - x.shape[0], i]
                if value < line.lower[v] or value > line.upper[v]:
                    unseen *= 1.0 - line.found[j]
        if defect[i] & line.looks_for[j]:
            for d in range(line.found_defect.shape[1]):
                if (defect[i] >> d) & 1:
                    unseen *= 1.0 - line.found_defect[j, d]
        bound, first = np.uint64((1.0 - unseen) * _TWO_40 + 0.5), np.uint64((word[m] >> shift) & _DIGIT)
        if first > bound >> _32:
            continue
        digits = line.digits_purpose[j], line.word[j]  # after the first digit: they decide where it does not
        if first == bound >> _32 and word_of(counter, order, i, digits[0], digits[1], key0, key1) >= bound & _WORD:
            continue
        rejected[i] |= np.uint32(1 << j)
        scrapped[i] = j
        again[count] = i
        count += 1
    return count


@allocating_kernel
def limits_missed(x, own, begin, n, limited, step, lower, upper):
    """A bit for each inspected step of which a variable of cell [n] misses its limits."""
    missed = np.zeros(n, np.uint32)
    for v in limited:
        note_missed(missed, row_of(x, own, v, begin, begin + n), lower[v], upper[v], np.uint32(1 << step[v]))
    return missed


@kernel
def note_missed(missed, x, lower, upper, bit):
    """Set `bit` where x[n] is outside its limits."""
    for i in range(x.size):
        missed[i] |= bit if (x[i] < lower) | (x[i] > upper) else np.uint32(0)


@kernel
def note_faults(look, missed, defect, looks_for):
    """Set bit STEP of the cells [n] that have a fault."""
    any_step = np.uint16(0)
    for each in looks_for:
        any_step |= each
    for i in range(look.size):
        look[i] |= np.uint8((missed[i] != 0) | ((defect[i] & any_step) != 0)) << np.uint8(STEP)


@kernel
def note_suspects(look, word, shift, bound, faults, fault, traces, looked_for):
    """Bit STEP for the cells that one step may reject, else 0, into look[m]: by first digits, limits missed, defects."""
    for m in range(look.size):
        by_chance = ((word[m] >> shift) & _DIGIT) <= bound
        suspect = by_chance | ((faults[m] & fault) != 0) | ((traces[m] & looked_for) != 0)
        look[m] = np.uint8(suspect) << np.uint8(STEP)


@allocating_kernel
def turn_out_well(cells, order, counter, purpose, word, share, key0, key1):
    """Put those of the rejected `cells` first that turn out well; how many."""
    address, words, count = addresses_of(cells, counter, order), np.empty((4, cells.size), np.uint32), 0
    write_words(words[0], words[1], words[2], words[3], address, purpose, key0, key1)
    for m in range(cells.size):
        if uniform_from_word(words[word, m]) < share:
            cells[count] = cells[m]
            count += 1
    return count


@allocating_kernel
def make_again(cells, x, own, begin, set_at, j, common, offset, order, counter, within, key0, key1):
    """New normals within the roll for all that step j sets in `cells`; lot, lane, roll and drift stay."""
    address, n = addresses_of(cells, counter, order), cells.size
    room, z = room_for(n), np.empty((2, n), np.float32)
    for v in range(set_at.size):
        if set_at[v] != j:
            continue
        purpose, row = within.again[within.group[v]], within.word[v]
        w0, w1, w2, w3 = room.words[0, :n], room.words[1, :n], room.words[2, :n], room.words[3, :n]
        if purpose >= NAMED:
            write_neighbours(z[0], room, address[0], address[1], address[2], purpose, key0, key1)
            row = 0
        else:
            write_words(w0, w1, w2, w3, address, purpose, key0, key1)
            write_short_normals(z[0], z[1], w0 if row < 2 else w2, w1 if row < 2 else w3)
        set_again(row_of(x, own, v, begin, begin + counter.shape[1]), cells, z[row % 2], v, common, offset, within)


@kernel
def set_again(out, cells, z, v, common, offset, within):
    """Variable v of `cells` from new normals z[cells]."""
    form, table, centre, scale = within.form[v], within.tables[within.table[v]], within.centre[v], within.scale[v]
    for m in range(cells.size):
        piece = piece_of(common.edges, offset + cells[m])
        u = common.level[v, piece] + within.sd[v] * z[m]
        if within.sd_lane[v] > 0.0:
            u += common.lane_level[v, lane_of(common, piece, offset + cells[m], within.lanes)]
        out[cells[m]] = shaped(u, form, table, centre, scale)
