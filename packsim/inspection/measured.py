"""What the end-of-line test says about n cells: true values, readings, decision and its cause."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from packsim.scenario.sentences import SentenceEnum

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int8]


class Cause(SentenceEnum):
    """Why a cell was rejected: the first limit that its readings missed, in this order."""

    NONE = 0, "passed every test"
    CAPACITY_LOW = 1, "capacity below its lower limit"
    CAPACITY_HIGH = 2, "capacity above its upper limit"
    DCIR_LOW = 3, "resistance (DCIR) below its lower limit"
    DCIR_HIGH = 4, "resistance (DCIR) above its upper limit"
    OCV_LOW = 5, "open-circuit voltage below its lower limit"
    OCV_HIGH = 6, "open-circuit voltage above its upper limit"
    K_VALUE = 7, "self-discharge (K-value) above its limit"
    NO_WINDOW = 8, "no usable voltage window: the cell cannot be cycled between its cut-offs"


@dataclass(frozen=True)
class Measured:
    """n tested cells; `true_*` are the values themselves, the others the readings that decided.

    A K-value reading is `true_k_value_mv_per_day` (the leak's part) plus the parts of relaxation, temperature and meter
    (`k_value.k_parts`). `true_soc` is the state of charge (0..1 of the cell's own window) when packs are assembled.
    `window` [5, n] is x0, x100, y0, y100, capacity_ah. `truly_good`: no defect and every true value within limits
    (guard bands aside); so rejected and truly good is a false reject, accepted and not truly good an escape.
    `*_tests`: readings made, more than 1 where a cell was retested. Values are nan where the cell has no window.
    """

    true_capacity_ah: Array
    capacity_ah: Array
    true_dcir_mohm: Array
    dcir_mohm: Array
    true_ocv_v: Array
    ocv_v: Array
    true_k_value_mv_per_day: Array
    k_value_mv_per_day: Array
    k_limit_mv_per_day: Array
    true_soc: Array
    window: Array
    accepted: Flags
    cause: npt.NDArray[np.uint8]
    truly_good: Flags
    capacity_tests: Counts
    dcir_tests: Counts
    ocv_tests: Counts
    k_tests: Counts

    def __len__(self) -> int:
        return int(self.cause.size)

    @property
    def passed_at_first(self) -> Flags:
        """Cells that passed without a retest [n]."""
        most = np.maximum.reduce([self.capacity_tests, self.dcir_tests, self.ocv_tests, self.k_tests])
        first: Flags = self.accepted & (most <= 1)
        return first

    def take(self, index: npt.NDArray[np.int64]) -> Measured:
        """The cells at `index`, in that order."""
        return Measured(*(getattr(self, field.name)[..., index] for field in fields(self)))


@dataclass(frozen=True)
class TrueValues:
    """What n cells really are: results of running them, nan where a cell has no window.

    `ocv_first_v` and `ocv_second_v` before and after the rest, `soc` 0..1 after it; `window` [5, n] as in `Measured`.
    """

    capacity_ah: Array
    dcir_mohm: Array
    ocv_first_v: Array
    ocv_second_v: Array
    soc: Array
    window: Array
