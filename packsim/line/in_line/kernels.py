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
    pass it at first); reworked cells change x[v, begin ...] and defect[n]. Faults are found independently of each other."""
    n, line = scrapped.size, plan.in_line
    for i in range(n):
        scrapped[i], rejected[i] = -1, 0
    if line.alarm.size == 0:
        return
    missed, alarmed = np.zeros(n, np.uint32), np.zeros(n, np.uint32)
    for v in range(plan.location.size):
        if line.limited_at[v] >= 0:
            bit = np.uint32(1 << line.limited_at[v])
            note_missed(missed, x[v, begin : begin + n], line.lower[v], line.upper[v], bit)
    for g in range(line.group_purpose.size):
        note_alarms(alarmed, counter, line.group_purpose[g], line.group_step[g], line.alarm, key0, key1)
    alarm, found, found_defect = line.alarm, line.found, line.found_defect
    for i in range(n):
        if alarmed[i] == 0 and missed[i] == 0 and defect[i] & line.looked_for == 0:
            continue
        for j in range(alarm.size):
            if (alarmed[i] >> j) & 1 == 0:  # a good piece would pass here: look at faults
                unseen = 1.0 - alarm[j]
                if (missed[i] >> j) & 1:
                    unseen *= (1.0 - found[j]) ** limits_missed(
                        x, begin + i, j, line.limited_at, line.lower, line.upper
                    )
                for d in range(found_defect.shape[1]):
                    if (defect[i] >> d) & 1:
                        unseen *= 1.0 - found_defect[j, d]
                if unseen == 1.0 - alarm[j]:
                    continue
                word = word_of(counter, i, line.purpose[j], line.word[j], key0, key1)
                if word >= np.uint64((1.0 - unseen) * _TWO_32 + 0.5):
                    continue
            rejected[i] |= np.uint32(1 << j)
            good = False
            if line.rework[j]:
                again = word_of(counter, i, line.rework_purpose[j], line.word[j], key0, key1)
                good = uniform_from_word(again) < line.rework_yield[j]
            if not good:
                scrapped[i] = j
                break
            make_again(x, begin, i, j, level, lane_level, segment, lane, counter, plan, key0, key1)
            defect[i] &= ~line.made_here[j]


@kernel
def note_missed(missed, x, lower, upper, bit):
    """Set `bit` where x[n] is outside its limits."""
    for i in range(x.size):
        missed[i] |= bit if (x[i] < lower) | (x[i] > upper) else np.uint32(0)


@kernel
def note_alarms(alarmed, counter, purpose, steps, alarm, key0, key1):
    """Set the bit of each of up to four steps [4] (-1: none) in which a cell is rejected even if it is good."""
    bound, bit = np.zeros(4, np.uint64), np.zeros(4, np.uint32)
    for k in range(4):
        if steps[k] >= 0:
            bound[k] = np.uint64(alarm[steps[k]] * _TWO_32 + 0.5)
            bit[k] = np.uint32(1 << steps[k])
    b0, b1, b2, b3 = bound[0], bound[1], bound[2], bound[3]
    m0, m1, m2, m3 = bit[0], bit[1], bit[2], bit[3]
    if b0 + b1 + b2 + b3 == 0:
        return
    c3, k0, k1, none = _word(purpose), _word(key0), _word(key1), np.uint32(0)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(alarmed.size):
        w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        mask = (m0 if w0 < b0 else none) | (m1 if w1 < b1 else none)
        alarmed[i] |= mask | (m2 if w2 < b2 else none) | (m3 if w3 < b3 else none)


@kernel
def limits_missed(x, i, j, limited_at, lower, upper):
    """How many variables of step j of the cell in column i miss their limits."""
    count = 0
    for v in range(limited_at.size):
        if limited_at[v] == j and (x[v, i] < lower[v] or x[v, i] > upper[v]):
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
