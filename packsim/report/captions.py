"""How to read the figures, and what must be said about the model wherever its results are shown."""

from __future__ import annotations

POSTULATED = (
    "Below 0 V the model is postulated, not validated: whatever this report says about reversed groups is a "
    "hypothesis. Down to 0 V cells agree with PyBaMM's SPMe."
)
CAPTIONS = {
    "differences": (
        "Points are differences b \N{MINUS SIGN} a, whiskers their 95 % intervals. Full and black: real; hollow and "
        "grey: within noise. Every panel has its own unit and scale."
    ),
    "capacity": (
        "Dotted: all cells that were made; filled: those that ship. What lies between the lines was rejected, also by "
        "other tests than capacity. Packs see the spread that ships, not the spread that is made."
    ),
    "rejects": (
        "Of a million cells started. A cell counts under the first limit that it misses. Defects that ship were not "
        "seen by any test."
    ),
    "over": (
        "Whiskers are 95 % intervals. Stopping at the pack's voltage lets strong groups hide a weak one: it is driven "
        "below its cut-off while the pack still looks full enough."
    ),
    "depth": (
        "Every pack's lowest group when discharge stops at the pack's voltage: how far below the cut-off it went, "
        "for any margin one may choose."
    ),
    "depth_monitored": (
        "Every pack's lowest group when the pack was emptiest, as it is monitored: how far below the cut-off it went, for "
        "any margin one may choose."
    ),
    "over_monitored": "Whiskers are 95 % intervals, each run as its packs are monitored.",
    "trace_monitored": (
        "Every group of the pack through its protocol; on the right the same lines before the last discharge ended."
    ),
    "trace": (
        "Every group of the pack; on the right the same lines at the end of discharge. Between the two vertical lines "
        "lies what a BMS that watches only the pack's voltage draws after the first group is empty."
    ),
    "survival": (
        "Packs that have not failed; bands are 95 % and respect that packs of a lot share their luck. Below: packs still "
        "watched."
    ),
    "causes": "Packs that have failed, by cause; the causes add up to what the survival curve has lost.",
    "weibull": (
        "Points are failed packs by rank, lines the Weibull law of highest likelihood. Where points bend away from the line "
        "the law does not hold."
    ),
    "map": (
        "Every cell of one pack where its protocol ended; the first pack in which something was seen, if any. Hover for "
        "current and state of charge."
    ),
    "roots": (
        "The largest part of the capacity that a pack loses against an even one, to first order, traced to the group "
        "that is full first (it ends the charge) or empty first (it ends the discharge). State of charge: that group "
        "started fuller or emptier than the others."
    ),
    "means": (
        "Points are means and ranges of cells made one after the other, taken evenly over the sample; dashed: three "
        "standard deviations of such a mean, from the ranges alone. Symbols mark points that complete a pattern (Nelson's "
        "tests; of the ranges only test 1)."
    ),
    "p": "Share of the cells of each batch that the end-of-line test rejected. Dashed: three binomial standard deviations.",
    "pareto": "All rejects of the run, by the first limit that each missed.",
    "sweep": "Bands are 95 % intervals; full points are real differences, hollow ones are not.",
}
