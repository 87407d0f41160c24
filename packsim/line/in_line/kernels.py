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
    missed, look = np.zeros(n, np.uint32), np.zeros(n, np.bool_)
    for i in range(n):
        scrapped[i], rejected[i] = -1, 0
    if line.alarm.size == 0:
        return
    for v in range(plan.location.size):
        if line.limited_at[v] >= 0:
            note_missed(
                missed, x[v, begin : begin + n], line.lower[v], line.upper[v], np.uint32(1 << line.limited_at[v])
            )
    for g in range(line.group_step.shape[0]):
        note_alarms(look, counter, g, line, key0, key1)
    for i in range(n):
        if look[i] or missed[i] != 0 or defect[i] & line.looked_for:
            inspect_one(
                scrapped,
                rejected,
                defect,
                x,
                begin,
                i,
                missed[i],
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
def inspect_one(
    scrapped, rejected, defect, x, begin, i, missed, level, lane_level, segment, lane, counter, plan, key0, key1
):
    """Cell i through all inspected steps; each fault of a piece is found independently of the others."""
    line = plan.in_line
    for j in range(line.alarm.size):
        unseen = 1.0 - line.alarm[j]
        if (missed >> j) & 1:
            unseen *= (1.0 - line.found[j]) ** limits_missed(x, begin + i, j, line)
        for d in range(plan.probability.size):
            if (defect[i] >> d) & 1:
                unseen *= 1.0 - line.found_defect[j, d]
        word = word_of(counter, i, line.purpose[j], line.word[j], key0, key1)
        if word >= np.uint64((1.0 - unseen) * _TWO_32 + 0.5):
            continue
        rejected[i] |= np.uint32(1 << j)
        again = word_of(counter, i, line.rework_purpose[j], line.word[j], key0, key1)
        if line.rework[j] and uniform_from_word(again) < line.rework_yield[j]:
            make_again(x, begin, i, j, level, lane_level, segment, lane, counter, plan, key0, key1)
            defect[i] &= ~line.made_here[j]
        else:
            scrapped[i] = j
            return


@kernel
def limits_missed(x, i, j, line):
    """How many variables of step j of cell i miss their limits."""
    count = 0
    for v in range(line.limited_at.size):
        if line.limited_at[v] == j and (x[v, i] < line.lower[v] or x[v, i] > line.upper[v]):
            count += 1
    return count


@kernel
def make_again(x, begin, i, j, level, lane_level, segment, lane, counter, plan, key0, key1):
    """New normals within the roll for all that step j sets in cell i; lot, lane, roll and drift stay."""
    for v in range(plan.location.size):
        if plan.in_line.set_at[v] != j:
            continue
        word = word_of(counter, i, plan.purpose[REWORK, plan.own_group[v]], plan.own_word[v], key0, key1)
        u = level[v, segment[i]] + plan.sd_within[v] * normal_from_word(word)
        if plan.sd_lane[v] > 0.0:
            u += lane_level[v, lane[i]]
        x[v, begin + i] = shaped(u, plan.form[v], plan.tables[plan.table[v]], plan.centre[v], plan.scale[v])


@kernel
def word_of(counter, i, purpose, word, key0, key1):
    """One of the four words of cell i for a purpose."""
    w = _philox(counter[0, i], counter[1, i], counter[2, i], _word(purpose), _word(key0), _word(key1))
    return w[0] if word == 0 else w[1] if word == 1 else w[2] if word == 2 else w[3]
