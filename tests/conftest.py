"""Shared by all tests: the acceptance report, the --slow switch, a kernel cache of our own."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pytest

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

if TYPE_CHECKING:
    from collections.abc import Callable

_rows: list[Row] = []  # of all tests, in the process that prints the summary


@dataclass(frozen=True)
class Row:
    """One acceptance criterion: what was measured against what is allowed."""

    name: str
    measured: float
    bound: float
    unit: str
    direction: str

    @property
    def met(self) -> bool:
        """Whether the bound holds; nan never does."""
        compare = {"<=": float.__le__, "<": float.__lt__, ">=": float.__ge__, ">": float.__gt__, "==": float.__eq__}
        return not math.isnan(self.measured) and compare[self.direction](self.measured, self.bound)

    def text(self) -> str:
        """`name: measured | bound`."""
        return f"{self.name}: {self.measured:.6g} | {self.direction} {self.bound:.6g} {self.unit}".rstrip()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`report(name, measured, bound, unit="", direction="<=")` records the row, prints it, then asserts it."""

    def add(name: str, measured: float, bound: float, unit: str = "", direction: str = "<=") -> None:
        row = Row(name, float(measured), float(bound), unit, direction)
        request.node.user_properties.append(("acceptance", asdict(row)))  # travels from the worker that ran the test
        print(row.text())
        assert row.met, row.text()

    return add


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests that take minutes")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _rows.extend(Row(**row) for name, row in report.user_properties if name == "acceptance")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="minutes of computing: run with --slow"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _rows:
        return
    terminalreporter.section("acceptance: measured | bound")
    width = max(len(row.name) for row in _rows)
    for row in _rows:
        mark = "" if row.met else "   MISSED"
        terminalreporter.write_line(
            f"{row.name:<{width}}  {row.measured:>12.6g} | {row.direction} {row.bound:.6g} {row.unit}".rstrip() + mark
        )
