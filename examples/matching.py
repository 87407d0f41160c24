"""What is a way of matching worth? The same cells of a 24 V module line, put together in seven ways.

Groups in series are only as good as the smallest; so evening out the capacity of the groups pays, and sorting by a noisy
reading does not. Run: python examples/matching.py
"""

from pathlib import Path

import packsim as ps
from packsim.study.matching import WAYS

MEASURES = {"pack_usable_capacity_pct": 3, "under_charge_pct": 3, "bad_pack_rate_pct": 2, "group_capacity_cv_pct": 3}
scenario = ps.load(Path(__file__).parents[1] / "configs" / "module-24v.yaml")
whole = {"matching": "in_order", "whole_packs": True, "capacity_bins": 3}
table = ps.compare_matchings(scenario, (*WAYS, whole), packs=400)

for measure, digits in MEASURES.items():
    print(f"\n{measure}, and its difference to in_order")
    for way, row in table.xs(measure, level="measure").iterrows():
        text = f"  {way:44} {row['value']:8.{digits}f}"
        if way != "in_order":
            word = "" if row["beyond_noise"] else "  within noise"
            text += f"  {row['difference']:+.{digits}f} ({row['low']:+.{digits}f} .. {row['high']:+.{digits}f}){word}"
        left = f"  {row['left_over_pct']:.1f} % of the cells left over" if row["left_over_pct"] else ""
        print(text + left)
