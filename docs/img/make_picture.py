"""Draw the README's picture, comparison.png, from a real comparison: `python docs/img/make_picture.py --packs 200`.

Needs a chromium executable on the PATH to turn the page into a picture.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import packsim as ps
from packsim.report import cell_figures, figures, html, sections
from packsim.study import reporting, words
from packsim.study.compare import Comparison

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parent.parent / "configs"
SHOWN = ("qualification_rate_pct", "conformance_reject_pct", "defect_reject_pct", "shipped_capacity_cv_pct")
SHOWN += ("pack_usable_capacity_pct", "pack_usable_energy_pct")
WIDTH, ABOVE = 1200, 330  # pixels: the picture's width, what stands above and between the figures
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def picture_page(comparison: Comparison) -> html.Page:
    """Key figures of a comparison on one short page."""
    names = words.comparison_names(comparison)
    pairs = list(zip((comparison.a, comparison.b), names, strict=True))
    table = sections.grouped(comparison.table().reset_index())
    drawn = [
        figures.differences(table[table["metric"].isin(SHOWN)], *names),
        cell_figures.capacity_histograms([reporting.capacities(result, name) for result, name in pairs]),
    ]
    units = (
        f"{comparison.a.pack_count:,} packs each, {len(comparison.a.sums)} independent {words.unit_words(comparison.a)}"
    )
    part = html.Section(
        f"Differences with 95 % intervals ({units}), and capacity before and after the test",
        figures=[html.Figure(figure, "") for figure in drawn],
    )
    return html.Page("packsim", words.comparison_headline(comparison), sections=[part])


def screenshot(page: html.Page, target: Path) -> None:
    """Render the page with chromium, as high as its figures need."""
    browser = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if browser is None:
        raise SystemExit(f"no {' or '.join(CHROMIUM)} on the PATH")
    high = ABOVE + sum(int(item.figure.layout.height) + 26 for part in page.sections for item in part.figures)
    with tempfile.TemporaryDirectory() as folder:
        source = html.write(page, Path(folder) / "page.html")
        options = (
            "--headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --disable-background-networking"
        )
        command = [
            browser,
            *options.split(),
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=10000",
        ]
        command += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{high}", f"--screenshot={target}"]
        subprocess.run([*command, source.as_uri()], check=True, capture_output=True, timeout=180)


def main() -> None:
    """Compare the two EVE lines and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=HERE / "comparison.png")
    given = parser.parse_args()
    a, b = (ps.load(CONFIGS / f"eve-2015-{kind}.yaml") for kind in ("semi-automatic", "automatic"))
    screenshot(picture_page(ps.compare(a, b, packs=given.packs)), given.out)


if __name__ == "__main__":
    main()
