"""A better yield can mean better packs or none: it depends on whether spreads or defects improved.

89.8 % -> 92 % three times, under three assumptions about where the fall in rejects came from.
Run: python examples/what_yield_means.py
"""

from pathlib import Path

import packsim as ps

CONFIGS = Path(__file__).parents[1] / "configs"
small = {
    "pack.series": 14,
    "pack.parallel": 4,
    "packs_per_block": 20,
    "line.supplier_lot_cells": 1120,
    "line.roll_cells": 112,
}
before = ps.load(CONFIGS / "eve-2015-semi-automatic.yaml").updated(small)
after = ps.load(CONFIGS / "eve-2015-automatic.yaml").updated(small)

for share in (0.0, 0.5, 1.0):
    both = ps.compare(before, after.updated({"qualification.improvement_conformance_share": share}), packs=400)
    print(f"\n{share:.0%} of the improvement is less spread, the rest fewer defects")
    for name in ("qualification_rate_pct", "shipped_capacity_cv_pct", "escape_ppm", "pack_usable_capacity_pct"):
        row = both.summary()[name]
        word = "real" if row["real"] else "within noise"
        print(f"  {name:26} {row['difference']:+10.4f}  ({row['low']:+.4f} .. {row['high']:+.4f}, {word})")
