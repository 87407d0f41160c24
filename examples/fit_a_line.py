"""What went into a line comes out of its end-of-line data: a file as a plant would write it, and the fit to it.

With real data the first half is yours: packsim fit eol.csv --out fitted
Run: python examples/fit_a_line.py
"""

import tempfile
from pathlib import Path

import packsim as ps
from packsim.study.fitting.check import simulate

# without weld voids: one reading shows one far tail, and two kinds of defects in it cannot be told apart (docs/fit.md)
truth = ps.load(Path(__file__).parents[1] / "configs" / "module-24v.yaml").updated({"line.defects.weld_void": None})
cells = simulate(truth, lots=40, cells=8000, seed=7)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "eol.csv"
    names = {"capacity_ah": "Kapazität [mAh]", "dcir_mohm": "Innenwiderstand [mOhm]", "lot": "Charge", "cell": "Zelle"}
    cells["capacity_ah"] *= 1000.0
    cells.rename(columns=names)[list(names.values())].to_csv(path, sep=";", decimal=",", index=False)
    print(f"first lines of {path.name}:")
    print("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:3]))

    fit = ps.fit(path, base=truth)
    print(fit.components[["quantity", "level", "sd", "low", "high", "unit"]].to_string(index=False))
    print("\ncorrelation of capacity and DCIR, by level:")
    print(fit.correlations[["level", "value", "low", "high"]].to_string(index=False))
    print("\ndistribution within lots:", {name: fit.chosen(name).family.name for name in fit.data.quantities})
    print("\nthe line of the fitted scenario:")
    text = fit.scenario_text()
    print(text[text.index("line:") : text.index("sources:")])
    print("what it reads, beside the data:")
    print(fit.check[["kind", "what", "level", "data", "scenario"]].to_string(index=False))
