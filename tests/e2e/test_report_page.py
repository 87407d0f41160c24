"""A report in a real browser, without a network: figures are drawn, nothing is refused or missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import plotly.graph_objects as go
import pytest

from packsim.report import html
from packsim.report.html import Cell, Figure, Page, Section, Table

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
PROBE = """
<script>
window.addEventListener("load", () => setTimeout(() => {
  document.title = [document.querySelectorAll(".js-plotly-plot .main-svg").length, window.attacked ?? "safe",
    performance.getEntriesByType("resource").length].join("|");
}, 500));
</script>
"""
OFFLINE = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium executable on the PATH: the page was not rendered")
def test_page_draws_its_figures_offline_and_runs_nothing_from_names(tmp_path: Path) -> None:
    attack = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'
    figure = go.Figure(go.Scatter(x=[1, 2], y=[2, 3], name=attack), layout={"height": 300, "showlegend": True})
    part = Section(attack, (attack,), [Figure(figure, attack)], [Table((attack,), [[Cell(attack, "key")]])])
    target = html.write(Page(attack, attack, attack, [part], attack), tmp_path / "report.html")
    target.write_text(target.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    command = [str(CHROMIUM), *OFFLINE, "--disable-component-update", "--proxy-server=127.0.0.1:9"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000", "--dump-dom", target.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    drawn, attacked, fetched = title.group(1).split("|")
    assert int(drawn) >= 1
    assert attacked == "safe"
    assert fetched == "0"
