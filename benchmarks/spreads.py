"""What the shipped lines spread beside what was measured: `python benchmarks/spreads.py [--write]` makes docs/spreads.md.

Nothing is tuned to the measurements. The cells are those of the scenarios' own seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import packsim as ps
from packsim.study.decomposition import Spreads, spreads

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ("eve-2015-semi-automatic", "eve-2015-automatic", "pouch-line-mixed", "module-24v", "ev-lfp-prismatic")
CELLS = 100_000
MEASURED = (  # name, capacity CV, DCIR CV, correlation, N/P CV, source
    ("48 cells of one kind, Sanyo UR18650E", "0.41", "1.70", "-0.41", "", "Baumhoefer et al. 2014 [D]"),
    ("600 commercial cells, inherent", "0.17", "0.45", "", "", "Wildfeuer & Lienkamp 2021 [S]"),
    ("latest studies, as cited there", "0.2-0.3", "0.7-3.8 (impedance)", "", "", "same [S]"),
    ("a university's pilot line", "0.3-1.2", "2.4", "", "0.9-1.6", "[D]"),
)
SMALLEST = 0.01  # shares below this are not shown

INTRO = """\
Made by `python benchmarks/spreads.py --write`. True values (no gauge) of cells without a defect; the spreads of the lines
are assumptions (for the EVE lines turned until the reported qualification rate is met), and none is tuned to these
measurements. CV in percent.""".splitlines()
READ = """\
**How to read it.** The 48 cells come from one purchase, probably one lot; the 600 are corrected for temperature. A line's
figure holds many lots. Shipped cells have been cut by the capacity test's limits, so their spread says more about the
limits than about the process.""".splitlines()
BY_TRAIT = f"""\
Shares of the variance of capacity and of DCIR, and parts of their correlation (which add up to it), of all tested cells
without a defect; traits under {100 * SMALLEST:.0f} % everywhere are left out. Area moves capacity and resistance in opposite
directions and drives the correlation towards -1; what moves only one of the two (loading, particles, weld) dilutes it.
""".splitlines()


def of(name: str) -> dict[str, Spreads]:
    """Spreads of a scenario's cells, all tested ones and shipped ones, without defects."""
    scenario = ps.load(ROOT / "configs" / f"{name}.yaml")
    result = ps.run(scenario, packs=-(-CELLS // (scenario.pack.series * scenario.pack.parallel)))
    return {kind: spreads(result, shipped=kind == "shipped", most_cells=CELLS) for kind in ("tested", "shipped")}


def page() -> str:
    """The page."""
    found = {name: of(name) for name in SCENARIOS}
    lines = [
        "# Spreads of the shipped lines beside measured ones",
        "",
        *INTRO,
        "",
        "| cells | capacity CV | DCIR CV | correlation Q-R | N/P CV | source |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in MEASURED),
    ]
    for name, kinds in found.items():
        for kind, s in kinds.items():
            numbers = f"{s.capacity_cv_pct:.2f} | {s.dcir_cv_pct:.2f} | {s.correlation:+.2f} | {s.np_ratio_cv_pct:.2f}"
            lines.append(f"| `{name}`, {kind} | {numbers} | {s.cells:,} cells of {s.lots} lots |")
    lines += [
        "",
        *READ,
        "",
        "## By trait",
        "",
        *BY_TRAIT,
    ]
    for name, kinds in found.items():
        table = kinds["tested"].by_trait
        lines += ["", f"### `{name}`", "", "| trait | capacity | DCIR | correlation |", "|---|---|---|---|"]
        shown = table[(table.abs() >= SMALLEST).any(axis=1)]
        order = (shown["capacity_share"].abs() + shown["dcir_share"].abs()).sort_values(ascending=False).index
        for trait in order:
            row = shown.loc[trait]
            shares = " | ".join(f"{100 * row[key] + 0.0:.0f} %" for key in ("capacity_share", "dcir_share"))
            lines.append(f"| {trait} | {shares} | {row['correlation_part']:+.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/spreads.md")
    given = parser.parse_args()
    text = page()
    if given.write:
        (ROOT / "docs" / "spreads.md").write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
