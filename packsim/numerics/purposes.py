"""What each random number is for: the fourth word of every Philox counter. A number here is never reused or changed.

Each purpose gives four independent words at each address (block, slot, candidate), or four normals: 0 and 1 from words 0
and 1, 2 and 3 from words 2 and 3 (`streams.normals_from_words`). `*_0`, `*_1` ... are consecutive.
"""

import zlib

TRAIT_WITHIN_0 = 1  # four purposes: within-roll normals of 16 traits, four a purpose
TRAIT_ROLL_0 = 5  # four purposes, at the first slot of the roll, candidate 0
TRAIT_LOT_0 = 9  # four purposes, at the first slot of the lot, candidate 0
# 13, 14: gone (whole words that decided on defects)
DEFECT_SEVERITY_0 = 15  # two purposes: normals of up to 8 severities
GAUGE = 17  # errors of capacity, DCIR, first and second OCV reading
STORAGE = 18  # normal 0: error of the charge put in for storage
SENSOR = 19  # at (block, pack * series + group, 0), normal 0: offset of the group's voltage sensor
LANE_0 = 20  # four purposes: normals of positions across the web, at the first slot of the lot, candidate = lane
DRIFT_0 = 24  # four purposes: innovations along a roll, at the first slot of the roll, candidate = segment
REWORK_0 = 28  # four purposes: normals of traits made again
# 32 to 36: gone (whole words that decided in-line inspections)
REWORK_GOOD_0 = 37  # five purposes: uniforms that decide whether reworked pieces go on
GAUGE_CHANNEL = 50  # at (channel, 0, 0): bias of a test channel: capacity, DCIR, voltmeter; its place's temperature
GAUGE_SESSION = 51  # at (session, 0, 0): bias of a session: capacity, DCIR, voltmeter at first and second OCV reading
GAUGE_TEMPERATURE = 52  # at (session, 0, 0): the chamber's temperature at capacity, DCIR, first and second OCV reading
THERMOMETER = 53  # error of the temperature reading at capacity, DCIR, first and second OCV reading
OVERHANG = 54  # normal 0: relaxation into the anode's overhang
RETEST_0 = 55  # five purposes, one a repetition: capacity, DCIR, second OCV reading for the K-value, OCV
GRADE_SHUFFLE = 60  # at (block, slot, 0), normal 0: place of a cell within its bin
JOINT = 61  # at (block, pack * children + child, 0): normals of the joint in series, both rails, the disconnect
WELD_FAULT = 62  # at (block, pack * children + cell, 0), word 0: uniform that decides whether a weld failed
BMS_NOISE = 63  # at (block, sample, pack * (sensors + 1) + sensor), normal 0: noise of one sample of one sensor
# 70: gone (first digits of defects)
DEFECT_DIGITS_0 = 71  # two purposes: the 32 bits after the first digits of the uniforms that decide on defects
# 73, 74: gone (first digits of in-line inspections)
IN_LINE_DIGITS_0 = 75  # eight purposes: likewise for in-line inspections
DECISIONS_0 = 83  # two purposes: first digits, 8 bits each: of up to 8 defects, of inspections at up to 24 steps
NAMED = 1 << 31  # from here on: purposes of process variables and steps of the user's, by a hash of their names
# A process variable takes one normal only, so four neighbouring slots share a call: normal slot % 4 of slot // 4.


def named(name: str) -> int:
    """The purpose that belongs to a name, above all numbered ones."""
    return NAMED | (zlib.crc32(name.encode()) & (NAMED - 1))
