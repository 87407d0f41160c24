"""The gauges: repeatability of a reading, biases of channels and sessions, temperature; each a pure function of address.

Gauge R&R (AIAG, Measurement Systems Analysis): repeatability is new in every reading; reproducibility is what readings
on one channel, or in one session, have in common. A cell sits on channel `slot modulo channels`; a session is
`session_cells` consecutive slots, counted on over blocks. All candidates of a slot share both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.inspection import kernels as k
from packsim.numerics.purposes import GAUGE, GAUGE_CHANNEL, GAUGE_SESSION, GAUGE_TEMPERATURE, RETEST_0, THERMOMETER
from packsim.numerics.streams import seed_key
from packsim.numerics.threads import in_parallel
from packsim.scenario.inspection import InspectionModel

Array = npt.NDArray[np.float64]
Addresses = npt.NDArray[np.int64]
CAPACITY, DCIR, FIRST, SECOND = range(4)  # rows of errors: capacity and DCIR tests, first and second OCV reading
QUANTITY = (0, 1, 2, 2)  # of each row, in the triples below
CHANNEL_TEMPERATURE = 3  # normal of GAUGE_CHANNEL


class Gauge(NamedTuple):
    """Standard deviations of the errors; triples are capacity (Ah), DCIR (mohm), OCV (V)."""

    channels: int
    session_cells: int
    slots_per_block: int
    repeat: tuple[float, float, float]
    channel: tuple[float, float, float]
    session: tuple[float, float, float]
    per_k: tuple[float, float, float]  # change of the reading per kelvin
    chamber_k: float  # between sessions
    place_k: float  # between channels
    corrected: bool
    thermometer_k: float

    @property
    def temperature_k(self) -> float:
        """Standard deviation of the temperature that a reading is taken at, or of what correcting it leaves."""
        return self.thermometer_k if self.corrected else math.hypot(self.chamber_k, self.place_k)

    def total(self, quantity: int) -> float:
        """Standard deviation of one reading of a quantity (0 capacity, 1 DCIR, 2 OCV) about the true value."""
        of_temperature = self.per_k[quantity] * self.temperature_k
        return math.hypot(self.repeat[quantity], self.channel[quantity], self.session[quantity], of_temperature)

    def shared(self, quantity: int) -> float:
        """Standard deviation of what all candidates of a slot have in common: channel, session and their temperatures."""
        of_temperature = 0.0 if self.corrected else self.per_k[quantity] * self.temperature_k
        return math.hypot(self.channel[quantity], self.session[quantity], of_temperature)

    def fall_sd_v(self) -> float:
        """Standard deviation of first minus second OCV reading: what does not cancel, without the overhang."""
        new = self.thermometer_k if self.corrected else self.chamber_k
        return math.sqrt(2.0) * math.hypot(self.repeat[2], self.session[2], self.per_k[2] * new)


class Errors(NamedTuple):
    """Errors of n cells' first readings [4, n]: capacity (Ah), DCIR (mohm), first and second OCV reading (V).

    `normals` are the standard normals of repeatability; `bias` of channel and session together; None where all are 0.
    """

    normals: Array
    bias: Array | None
    temperature: Array | None


def gauge_of(model: InspectionModel, nominal: tuple[float, float], slots_per_block: int) -> Gauge:
    """Numbers of a scenario's gauges, for the nominal cell's capacity (Ah) and DCIR (mohm)."""
    capacity, dcir, ocv, chamber = model.capacity, model.dcir, model.ocv, model.chamber
    ah, mohm = (value / 100.0 for value in nominal)
    return Gauge(
        channels=model.stations.channels,
        session_cells=model.stations.session_cells,
        slots_per_block=slots_per_block,
        repeat=(
            capacity.gauge_sd_pct / 100.0 * nominal[0],
            dcir.gauge_sd_pct / 100.0 * nominal[1],
            1e-3 * ocv.meter_sd_mv,
        ),
        channel=(capacity.channel_sd_pct * ah, dcir.channel_sd_pct * mohm, 1e-3 * ocv.channel_sd_mv),
        session=(capacity.session_sd_pct * ah, dcir.session_sd_pct * mohm, 1e-3 * ocv.session_sd_mv),
        per_k=(chamber.capacity_pct_per_k * ah, chamber.dcir_pct_per_k * mohm, 1e-3 * chamber.ocv_mv_per_k),
        chamber_k=chamber.temperature_sd_k,
        place_k=chamber.channel_temperature_sd_k,
        corrected=chamber.temperature_corrected,
        thermometer_k=chamber.temperature_meter_sd_k,
    )


def channel_of(gauge: Gauge, address: Addresses) -> npt.NDArray[np.int64]:
    """Test channel of each address [n]."""
    channel: npt.NDArray[np.int64] = address[:, 1] % gauge.channels
    return channel


def session_of(gauge: Gauge, address: Addresses) -> npt.NDArray[np.int64]:
    """Session of each address [n]."""
    session: npt.NDArray[np.int64] = (address[:, 0] * gauge.slots_per_block + address[:, 1]) // gauge.session_cells
    return session


def errors(gauge: Gauge, address: Addresses, seed: int) -> Errors:
    """Errors of the first readings of the cells at `address` int64[n, 3]."""
    bias: Array | None = None
    if any(gauge.channel):
        drawn = at_number(channel_of(gauge, address), seed, GAUGE_CHANNEL)
        bias = np.stack([gauge.channel[q] * drawn[q] for q in QUANTITY])
    if any(gauge.session):
        drawn = at_number(session_of(gauge, address), seed, GAUGE_SESSION)
        own = np.stack([gauge.session[q] * drawn[row] for row, q in enumerate(QUANTITY)])
        bias = own if bias is None else bias + own
    return Errors(normals(address, seed, GAUGE), bias, _temperature(gauge, address, seed))


def _temperature(gauge: Gauge, address: Addresses, seed: int) -> Array | None:
    """Errors by temperature [4, n]: deviation, or what its correction leaves, times the change per kelvin."""
    if not any(gauge.per_k) or gauge.temperature_k == 0.0:
        return None
    if gauge.corrected:  # reading + per_k (T - thermometer) leaves minus the thermometer's error
        kelvin = -gauge.thermometer_k * normals(address, seed, THERMOMETER)
    else:
        kelvin = np.zeros((4, len(address)))
        if gauge.chamber_k > 0.0:
            kelvin += gauge.chamber_k * at_number(session_of(gauge, address), seed, GAUGE_TEMPERATURE)
        if gauge.place_k > 0.0:
            kelvin += gauge.place_k * at_number(channel_of(gauge, address), seed, GAUGE_CHANNEL)[CHANNEL_TEMPERATURE]
    return np.stack([gauge.per_k[q] * kelvin[row] for row, q in enumerate(QUANTITY)])


def shared_errors(gauge: Gauge, address: Addresses, seed: int) -> Array:
    """Errors that all candidates of each address' slot have in common [3, n]: capacity (Ah), DCIR (mohm), OCV (V)."""
    error = errors(gauge, address, seed)
    parts = [error.bias, None if gauge.corrected else error.temperature]
    return sum(
        (part[[CAPACITY, DCIR, SECOND]] for part in parts if part is not None), start=np.zeros((3, len(address)))
    )


def at_number(numbers: npt.NDArray[np.int64], seed: int, purpose: int) -> Array:
    """Standard normals [4, n] drawn at (number, 0, 0): the same for every cell of a channel or session."""
    distinct, place = np.unique(numbers, return_inverse=True)
    address = np.zeros((distinct.size, 3), np.int64)
    address[:, 0] = distinct
    drawn: Array = normals(address, seed, purpose)[:, place]
    return drawn


def repeat_normals(address: Addresses, seed: int, repetition: int) -> Array:
    """Standard normals [4, n] of repetition 0 .. 4: capacity, DCIR, second OCV for the K-value, OCV."""
    return normals(address, seed, RETEST_0 + repetition)


def normals(address: Addresses, seed: int, purpose: int) -> Array:
    """Four standard normals of each address int64[n, 3], as [4, n]."""
    out, key = np.empty((4, len(address))), seed_key(seed)
    address = np.ascontiguousarray(address)

    def rows(first: int, last: int) -> None:
        k.draw_normals(out, address, purpose, *key, first, last)

    in_parallel(rows, len(address), k.CHUNK)
    return out
