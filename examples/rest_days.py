"""Rest 6 instead of 10 days before the second voltage reading: what is saved in stock, and what leaks slip through.

The same 100,000 cells of the 2015 automatic line at every rest time. The fieldwork reports the cut from 10 to 6 days
(Zhao & Luethje 2024, section 3.2), no gauge and no relaxation: those below are assumed, to show the parts.
Run: python examples/rest_days.py
"""

from pathlib import Path

import packsim as ps

ASSUMED = {
    "inspection.k_value.first_reading_h": 24.0,
    "inspection.k_value.overhang_mv": 2.0,  # fall until the anode's overhang has equalised, 100 to 200 days
    "inspection.k_value.overhang_sd_mv": 0.2,
    "inspection.chamber.temperature_sd_k": 0.5,  # between the sessions of the two readings
    "inspection.chamber.ocv_mv_per_k": -0.1,
    "packs_per_block": 1,  # smaller blocks, more independent lots
}
scenario = ps.load(Path(__file__).parents[1] / "configs" / "eve-2015-automatic.yaml").updated(ASSUMED)
table = ps.rest_tradeoff(scenario, days=(10, 9, 8, 7, 6), cells=100_000)

print("sd of the K-value's parts, uV/day (cells without defects), and the limit")
print("days   leak  relaxation  temperature  meter   limit  AUC")
for days, row in table.iterrows():
    parts = [1e3 * row[f"k_{part}_sd_mv_per_day"] for part in ("leak", "relaxation", "temperature", "meter")]
    limit = 1e3 * row["k_limit_mv_per_day"]
    print("{:4.0f} {:6.1f} {:11.1f} {:12.1f} {:6.1f} {:7.0f}  {:.4f}".format(days, *parts, limit, row["auc"]))

print(
    "\nwhat passes, with 95 % intervals, and what it costs at",
    f"{scenario.inspection.floor.cells_per_day:,.0f} cells a day",
)
print(
    "days  particles caught, %       escapes, ppm              false rejects, ppm      drift  bleed  channels  resting"
)
for days, row in table.iterrows():
    shown = ""
    for name, digits in (("particles_caught_pct", 1), ("escape_ppm", 0), ("false_reject_ppm", 0)):
        value, low, high = (f"{row[name + end]:.{digits}f}" for end in ("", "_low", "_high"))
        shown += f"{f'{value} ({low} .. {high})':26}"
    drift, bleed = row["soc_drift_pct_per_year"], 1e3 * row["balancing_ma"]
    print(f"{days:4.0f}  {shown}{drift:4.1f} {bleed:6.0f} {row['channels']:9.0f} {row['resting_cells']:8,.0f}")
last = table.iloc[-1]
print(
    f"\n10 to 6 days: escapes {last['escape_change_ppm']:+.0f} ppm "
    f"({last['escape_change_low']:+.0f} .. {last['escape_change_high']:+.0f}); "
    "drift in % of SOC a year, bleed in uA: of a leak right at the limit."
)
