"""What each random number is for: the fourth word of every Philox counter. A number here is never reused or changed.

Each purpose gives four independent words at each address (block, slot, candidate); `*_0`, `*_1` ... are consecutive.
"""

TRAIT_WITHIN_0 = 1  # four purposes: within-roll normals of 16 traits, four a purpose
TRAIT_ROLL_0 = 5  # four purposes, at the first slot of the roll, candidate 0
TRAIT_LOT_0 = 9  # four purposes, at the first slot of the lot, candidate 0
DEFECT_OCCURS_0 = 13  # two purposes: uniforms of up to 8 defects
DEFECT_SEVERITY_0 = 15  # two purposes: normals of up to 8 severities
GAUGE = 17  # errors of capacity, DCIR, first and second OCV reading
STORAGE = 18  # word 0: error of the charge put in for storage
SENSOR = 19  # at (block, pack * series + group, 0), word 0: offset of the group's voltage sensor
