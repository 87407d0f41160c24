"""A single weak cell decides what the whole pack gives, and who is over-discharged when nobody watches the groups.

The same packs twice: balanced at the bottom as they leave storage, and balanced at the top.
Run: python examples/weakest_cell.py
"""

from pathlib import Path

import packsim as ps

CONFIG = Path(__file__).parents[1] / "configs" / "ev-lfp-prismatic.yaml"

delivered = ps.load(CONFIG).updated({"packs_per_block": 4})
balanced = delivered.updated({"pack.top_balanced": True})

for title, scenario in (("as delivered", delivered), ("top-balanced", balanced)):
    result = ps.run(scenario, packs=40)
    packs = result.packs
    print(f"\n{title}: {len(packs)} packs of {scenario.pack.series}s{scenario.pack.parallel}p")
    print(f"  usable capacity      {packs['usable_capacity_pct'].mean():.2f} % of a pack of nominal cells")
    print(f"  under-charge         {packs['under_charge_pct'].mean():.2f} % of SOC in the mean group")
    for kind in ("every_group", "pack_only"):
        shares = [100 * packs[f"over_discharged_{level}_{kind}"].mean() for level in ("margin", "1v", "0v")]
        print(
            f"  {kind:12} watched: below by 0.2 V {shares[0]:.0f} %, below 1 V {shares[1]:.0f} %, reversed {shares[2]:.0f} %"
        )
    worst = packs.loc[packs["usable_capacity_pct"].idxmin()]
    print(
        f"  worst pack {worst['pack']}: group {worst['weakest_group']} limits its {worst['weakest_limits']}, "
        f"from {worst['root']} ({worst['root_step']}), lot {worst['weakest_cell_lot']}"
    )
