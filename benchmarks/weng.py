# ruff: noqa: E402
"""The 2p experiment of Weng et al. beside the model: `python benchmarks/weng.py [--write]`.

Prints the table of docs/table-cell.md; --write puts it there and draws docs/img/weng.png (needs chromium). The data are
found through PACKSIM_VALIDATION_DATA.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
for folder in ("docs/img", "tests", ""):
    sys.path.insert(0, str(ROOT / folder))

import numpy as np
import plotly.graph_objects as go
import weng
from make_picture import screenshot
from plotly.subplots import make_subplots

from packsim.cell.table.fit import RcFit
from packsim.report import html
from packsim.report.theme import INK, LIGHT, SERIES, dress, panel_title

MARK = "weng"
EVERY = 12  # samples of the figure: one a minute
ROWS = (  # fitted on, tested on, weight of the branch current [V/A]
    ("second half", "first half", 0.0),
    ("first half", "second half", 0.0),
    ("even hours", "odd hours", 0.0),
    ("odd hours", "even hours", 0.0),
    ("second half", "first half", 1.0),
    ("first half", "second half", 1.0),
)


def line(*cells: str) -> str:
    """A row of the table."""
    return f"| {' | '.join(cells)} |"


def numbers(pair: tuple[float, float]) -> tuple[str, str]:
    """Voltage and current RMSE as written."""
    return f"{pair[0]:.4f}", f"{pair[1]:.4f}"


def given_rows(e: weng.Experiment, even: weng.Experiment) -> list[str]:
    """The tables as they are, from two starts, and with R0 the same at every SOC."""
    charge = int(np.searchsorted(e.time_s, weng.DISCHARGE_STARTS_S - 17_200.0))  # the last rest before the charge
    late = e._replace(
        time_s=e.time_s[charge:],
        voltage_v=e.voltage_v[charge:],
        total_a=e.total_a[charge:],
        current_a=e.current_a[:, charge:],
    )
    runs = (
        ("as given", e, None),
        ("as given, R0 its mean over SOC", even, None),
        ("as given, from the charge on, initial SOC 0.325 % (the data's README)", late, [0.00325] * 2),
    )
    return [
        line(name, "none", "whole", *numbers(weng.rmse(weng.simulate(x, x.cells, soc), x))) for name, x, soc in runs
    ]


def fitted_rows(e: weng.Experiment) -> tuple[list[str], RcFit]:
    """One row a fit; and the fit that the figure shows."""
    parts, out, shown = weng.halves(e), [], None
    for on, tested, weight in ROWS:
        found = weng.fit(e, parts[on], current_weight=weight)
        shown = shown or found
        model = weng.simulate(e, found.cells)
        name = f"pair {100 * found.size[0]:.2f} % SOC per A, {found.time_s[0]:,.0f} s"
        name += ", current fitted too" if weight else ""
        out.append(line(name, on, tested, *numbers(weng.rmse(model, e, parts[tested]))))
        out.append(line("", on, "whole", *numbers(weng.rmse(model, e))))
    assert shown is not None
    return out, shown


def figure(e: weng.Experiment, fit: RcFit) -> go.Figure:
    """Voltage, branch currents and voltage error over time; the model's pair is fitted to the second half."""
    hours, model, given = e.time_s / 3600.0, weng.simulate(e, fit.cells), weng.simulate(e, e.cells)
    fig = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.36, 0.4, 0.24])

    def add(y: np.ndarray, row: int, name: str, style: dict[str, object], legend: bool = True) -> None:
        fig.add_trace(
            go.Scatter(x=hours[::EVERY], y=y[::EVERY], name=name, mode="lines", line=style, showlegend=legend),
            row=row,
            col=1,
        )

    thick = {"color": LIGHT, "width": 6}
    add(e.voltage_v, 1, "measured", thick)
    add(given.voltage_v, 1, "tables as given", {"color": SERIES[1], "width": 1.4, "dash": "dot"})
    add(model.voltage_v, 1, "with the fitted pair", {"color": INK, "width": 1.6})
    for j, branch in enumerate((model.first_a, e.total_a - model.first_a)):
        add(e.current_a[j], 2, "measured", thick, legend=False)
        color = SERIES[(0, 2)[j]]
        add(branch, 2, f"cell {'ab'[j]}", {"color": color, "width": 1.6})
    add(1e3 * (given.voltage_v - e.voltage_v), 3, "", {"color": SERIES[1], "width": 1.4, "dash": "dot"}, legend=False)
    add(1e3 * (model.voltage_v - e.voltage_v), 3, "", {"color": INK, "width": 1.6}, legend=False)
    for row, title in enumerate(
        ("<b>Voltage</b>, V", "<b>Branch currents</b>, A, discharge positive", "<b>Voltage error</b>, mV"), start=1
    ):
        panel_title(fig, title, row)
    dress(fig, 800)
    middle = weng.DISCHARGE_STARTS_S / 3600.0
    fig.add_vline(x=middle, line={"color": INK, "width": 1, "dash": "dash"})
    fig.update_xaxes(title_text="hours", row=3, col=1)
    fig.update_yaxes(zeroline=True, zerolinecolor=LIGHT, row=3, col=1)
    fig.update_layout(legend={"y": 1.05})
    return fig


def main() -> None:
    """Print the table, or write it with the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/table-cell.md and docs/img/weng.png")
    given = parser.parse_args()
    path = weng.folder()
    if path is None:
        raise SystemExit("PACKSIM_VALIDATION_DATA does not name a folder with weng2023_parallel")
    e = weng.experiment(path)
    rows, fit = fitted_rows(e)
    head = [
        line("model", "fitted on", "tested on", "voltage RMSE, V", "branch current RMSE, A"),
        "|---|---|---|---|---|",
    ]
    table = "\n".join([*head, *given_rows(e, weng.experiment(path, even_resistance=True)), *rows])
    print(table)
    if given.write:
        page = ROOT / "docs" / "table-cell.md"
        before, _, tail = page.read_text(encoding="utf-8").partition(f"<!-- {MARK} -->")
        after = tail.partition(f"<!-- /{MARK} -->")[2]
        page.write_text(f"{before}<!-- {MARK} -->\n{table}\n<!-- /{MARK} -->{after}", encoding="utf-8")
        headline = "Two mismatched cells in parallel at C/4, measured and modelled; fitted right of the dashed line"
        section = html.Section("", figures=[html.Figure(figure(e, fit), "")])
        screenshot(html.Page("packsim", headline, sections=[section]), ROOT / "docs" / "img" / "weng.png")


if __name__ == "__main__":
    main()
