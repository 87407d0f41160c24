"""In-line inspections of a chunk of cells (compiled): who is found, scrapped, reworked.

Shapes: n cells, v variables, j inspected steps in their order, d defects. Most cells are good and raise no false alarm:
loops over all cells only look for those to be looked at more closely, one by one.
"""

import numpy as np

from packsim.line.variation.kernels import REWORK, shaped
from packsim.numerics.jit import kernel
from packsim.numerics.streams import _philox, _word, normal_from_word, uniform_from_word

_TWO_32 = 4294967296.0


@kernel
def inspect(scrapped, rejected, defect, x, begin, level, lane_level, segment, lane, counter, plan, key0, key1):
    """Fill scrapped[n] (-1, or the inspected step that scrapped it) and rejected[n] (a bit for each step that did not
    pass it at first); reworked cells change x[v, begin ...] and defect[n]."""
    n, line = scrapped.size, plan.in_line
    scrapped[:] = -1
    rejected[:] = 0
    if line.alarm.size == 0:
        return
    missed, look = np.zeros(n, np.uint32), np.zeros(n, np.bool_)
    for v in range(plan.location.size):
        if line.limited_at[v] >= 0:
            note_missed(
                missed, x[v, begin : begin + n], line.lower[v], line.upper[v], np.uint32(1 << line.limited_at[v])
            )
    for g in range(line.group_step.shape[0]):
        note_alarms(look, counter, g, line, key0, key1)
    cells = suspects(look, missed, defect, line.looked_for)
    through_steps(
        cells,
        scrapped,
        rejected,
        defect,
        missed,
        x,
        begin,
        level,
        lane_level,
        segment,
        lane,
        counter,
        plan,
        key0,
        key1,
    )


@kernel
def suspects(look, missed, defect, looked_for):
    """Numbers of the cells that a step could reject."""
    cells, count = np.empty(look.size, np.int64), 0
    for i in range(look.size):
        cells[count] = i
        count += look[i] | (missed[i] != 0) | ((defect[i] & looked_for) != 0)
    return cells[:count].copy()


@kernel
def note_missed(missed, x, lower, upper, bit):
    """Set `bit` where x[n] is outside its limits."""
    for i in range(x.size):
        missed[i] |= bit if (x[i] < lower) | (x[i] > upper) else np.uint32(0)


@kernel
def note_alarms(look, counter, g, line, key0, key1):
    """Mark the cells in which one of four steps raises a false alarm if they are good."""
    bound = np.zeros(4, np.uint64)
    for k in range(4):
        if line.group_step[g, k] >= 0:
            bound[k] = np.uint64(line.alarm[line.group_step[g, k]] * _TWO_32 + 0.5)
    b0, b1, b2, b3 = bound[0], bound[1], bound[2], bound[3]
    if b0 + b1 + b2 + b3 == 0:
        return
    c3, k0, k1 = _word(line.group_purpose[g]), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(look.size):
        w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        look[i] |= (w0 < b0) | (w1 < b1) | (w2 < b2) | (w3 < b3)


@kernel
def through_steps(
    cells,
    scrapped,
    rejected,
    defect,
    missed,
    x,
    begin,
    level,
    lane_level,
    segment,
    lane,
    counter,
    plan,
    key0,
    key1,
):
    """The suspected `cells` through all inspected steps; each fault of a piece is found independently of the others.

    The loop over cells is the inner one, so that the plan's many arrays are taken apart once, not once a cell.
    """
    line = plan.in_line
    own, words = np.empty((3, cells.size), np.uint64), np.empty((4, cells.size), np.uint64)
    again, defects = np.empty(cells.size, np.int64), plan.probability.size
    for m in range(cells.size):
        own[0, m], own[1, m], own[2, m] = counter[0, cells[m]], counter[1, cells[m]], counter[2, cells[m]]
    for j in range(line.alarm.size):
        if j == 0 or line.purpose[j] != line.purpose[j - 1]:
            write_words(words[0], words[1], words[2], words[3], own, line.purpose[j], key0, key1)
        word, alarm, found, found_defect, count = (
            words[line.word[j]],
            line.alarm[j],
            line.found[j],
            line.found_defect[j],
            0,
        )
        for m in range(cells.size):
            i = cells[m]
            if scrapped[i] >= 0:
                continue
            unseen = 1.0 - alarm
            if (missed[i] >> j) & 1:
                unseen *= (1.0 - found) ** limits_missed(x, begin + i, j, line.limited_at, line.lower, line.upper)
            if defect[i] != 0:
                for d in range(defects):
                    if (defect[i] >> d) & 1:
                        unseen *= 1.0 - found_defect[d]
            if word[m] >= np.uint64((1.0 - unseen) * _TWO_32 + 0.5):
                continue
            rejected[i] |= np.uint32(1 << j)
            good = line.rework[j]
            if good:
                good = good_again(counter, i, j, line.rework_purpose, line.word, key0, key1) < line.rework_yield[j]
            if good:
                again[count] = i
                count += 1
                defect[i] &= ~line.made_here[j]
            else:
                scrapped[i] = j
        if count > 0:
            make_again(again[:count], x, begin, j, level, lane_level, segment, lane, counter, plan, key0, key1)


@kernel
def write_words(out0, out1, out2, out3, counter, purpose, key0, key1):
    """The four words of each address for a purpose, into four arrays [n]."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(out0.size):
        out0[i], out1[i], out2[i], out3[i] = _philox(slot[i], block[i], candidate[i], c3, k0, k1)


@kernel
def good_again(counter, i, j, purpose, word, key0, key1):
    """The uniform that decides whether cell i, made again at step j, goes on."""
    return uniform_from_word(word_of(counter, i, purpose[j], word[j], key0, key1))


@kernel
def limits_missed(x, i, j, limited_at, lower, upper):
    """How many variables of step j of cell i miss their limits."""
    count = 0
    for v in range(limited_at.size):
        if limited_at[v] == j and (x[v, i] < lower[v] or x[v, i] > upper[v]):
            count += 1
    return count


@kernel
def make_again(cells, x, begin, j, level, lane_level, segment, lane, counter, plan, key0, key1):
    """New normals within the roll for all that step j sets in `cells`; lot, lane, roll and drift stay."""
    for v in range(plan.location.size):
        if plan.in_line.set_at[v] != j:
            continue
        purpose, own_word = plan.purpose[REWORK, plan.own_group[v]], plan.own_word[v]
        form, table, centre, scale = plan.form[v], plan.tables[plan.table[v]], plan.centre[v], plan.scale[v]
        for m in range(cells.size):
            i = cells[m]
            u = level[v, segment[i]] + plan.sd_within[v] * normal_from_word(
                word_of(counter, i, purpose, own_word, key0, key1)
            )
            if plan.sd_lane[v] > 0.0:
                u += lane_level[v, lane[i]]
            x[v, begin + i] = shaped(u, form, table, centre, scale)


@kernel
def word_of(counter, i, purpose, word, key0, key1):
    """One of the four words of cell i for a purpose."""
    w = _philox(counter[0, i], counter[1, i], counter[2, i], _word(purpose), _word(key0), _word(key1))
    return w[0] if word == 0 else w[1] if word == 1 else w[2] if word == 2 else w[3]
