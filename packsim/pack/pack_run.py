"""What `ps.Pack.run` gives back: steps, alarms and traces as tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.pack.duty import run as duty
from packsim.pack.duty.protocol import Protocol
from packsim.pack.duty.traces import PackResult
from packsim.pack.duty.warmth import kernels as k
from packsim.pack.duty.words import ENDED, PLACE, SEEN

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PackRun:
    """One run of one pack."""

    raw: duty.Run
    protocol: Protocol
    every_group: bool  # whether each group has a sensor

    @property
    def steps(self) -> pd.DataFrame:
        """One row a protocol step: why it ended, how long it took, charge and energy given, outermost groups at its end."""
        import pandas as pd

        kept, rows = self.raw.kept, self.raw.rows
        return pd.DataFrame(
            {
                "step": self.protocol.number[:rows],
                "cycle": self.protocol.cycle[:rows],
                "ended_by": [ENDED[int(code)] for code in kept.ended_by[:rows]],
                "time_s": kept.time_s[:rows],
                "charge_ah": kept.charge_ah[:rows],
                "energy_wh": kept.energy_wh[:rows],
                "lowest_group_v": kept.end_v[:rows].min(axis=1),
                "highest_group_v": kept.end_v[:rows].max(axis=1),
            }
        )

    @property
    def alarms(self) -> pd.DataFrame:
        """One row for each limit that the BMS met and each fault that was found: when, what, where.

        `value`: voltage read [V], temperature [K] or current [A] at a limit; ohm of a joint, A of a short, V of a sensor's
        error, K of hot cells above the coolant's inlet.
        """
        import pandas as pd

        log = self.raw.log
        rows = min(int(log.lines[0]), log.time_s.size)
        return pd.DataFrame(
            {
                "time_s": log.time_s[:rows],
                "seen": [SEEN[int(code)] for code in log.code[:rows]],
                "at": [PLACE[int(code)] for code in log.code[:rows]],
                "place": log.place[:rows],
                "value": log.value[:rows],
            }
        )

    @property
    def heat_j(self) -> dict[str, float]:
        """Heat since the pack was built: made in cells, tabs and other joints; given to coolant and ambient."""
        joules = self.raw.own.heats.joules
        names = {"cells": k.CELLS, "tabs": k.TABS, "joints": k.JOINTS}
        names |= {"coolant": k.COOLANT, "ambient": k.AMBIENT}
        return {name: float(joules[row]) for name, row in names.items()}

    @cached_property
    def traces(self) -> PackResult:
        """Every kept step in time; cells only if they were asked for."""
        trace = self.raw.trace
        m, cells = int(trace.used[0]), trace.cell_a.shape[0] > 0
        alarms = self.alarms
        return PackResult(
            time_s=trace.time_s[:m],
            current_a=trace.current_a[:m],
            pack_v=trace.voltage_v[:m],
            group_v=trace.group_v[:, :m],
            step=trace.step[:m].astype(np.float64),
            ambient_degc=trace.ambient_k[:m] - 273.15,
            bms_v=trace.reading_v[:, :m] if self.every_group else None,
            bms_soc=trace.soc[:m],
            given_ah=trace.given_ah[:m],
            cell_current_a=trace.cell_a[:, :m] if cells else None,
            cell_v=trace.cell_v[:, :m] if cells else None,
            cell_temperature_k=trace.cell_k[:, :m] if cells else None,
            soc=trace.cell_soc[:, :m] if cells else None,
            alarms={str(name): alarms[name].to_numpy() for name in alarms.columns},
        )

    def __getitem__(self, name: str) -> Array:
        """Values over time under a PyBaMM-style name, for example `run["Pack voltage [V]"]`; `run.traces.names` has all."""
        return self.traces[name]
