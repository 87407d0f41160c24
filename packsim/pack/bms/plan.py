"""From the scenario's battery management system to numbers, and the sensors of any one pack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.numerics.purposes import BMS_NOISE, SENSOR
from packsim.numerics.streams import fill_normals, seed_key
from packsim.pack.bms import kernels as k
from packsim.pack.network.kernels import SERIES, Network
from packsim.scenario.bms import Bms

Array = npt.NDArray[np.float64]
KELVIN = 273.15
WHEN = {"charge": k.CHARGING, "rest": k.RESTING, "discharge": k.DISCHARGING}


def in_series(net: Network) -> Array:
    """Cells in series through every node [m].

    Raises:
        ValueError: parallel branches of different length, whose voltage no cell has a share in.
    """
    out = np.zeros(net.kind.size)
    for node in range(net.kind.size):
        below = [1.0 if child < 0 else out[child] for child in net.child[net.first[node] : net.first[node + 1]]]
        if net.kind[node] == SERIES:
            out[node] = sum(below)
        elif len(set(below)) > 1:
            raise ValueError("parallel strings must have equally many cells in series")
        else:
            out[node] = below[0]
    return out


def plan(model: Bms, net: Network, *, lower_v: float, upper_v: float, rated_ah: float, ocv: Array, seed: int) -> k.Bms:
    """Numbers of the BMS of a pack of `rated_ah`; `ocv` [m] is the nominal cell's, even in SOC 0..1."""
    root = net.kind.size - 1
    node = {"every_group": net.group, "every_module": net.module}.get(model.monitoring, np.array([root], np.uint32))
    key = seed_key(seed)
    bleed, derate = model.balancing, model.derating
    limits = k.Limits(
        always=model.sampling_s == 0.0,
        lower_v=lower_v,
        upper_v=upper_v,
        over_temperature_k=np.inf if model.over_temperature_degc is None else model.over_temperature_degc + KELVIN,
        charge_limit_a=np.inf if model.charge_limit_c_rate is None else model.charge_limit_c_rate * rated_ah,
        discharge_limit_a=np.inf if model.discharge_limit_c_rate is None else model.discharge_limit_c_rate * rated_ah,
    )
    return k.Bms(
        limits=limits,
        node=np.ascontiguousarray(node, np.uint32),
        per_cell=1.0 / in_series(net)[node],
        every_part=model.monitoring != "pack_only",
        delay_s=np.array(
            [
                model.voltage_delay_s,
                model.voltage_delay_s,
                model.over_temperature_delay_s,
                model.over_current_delay_s,
            ]
        ),
        sampling_s=model.sampling_s,
        noise_v=1e-3 * model.sensor_noise_mv,
        resolution_v=1e-3 * model.sensor_resolution_mv,
        temperature_noise_k=model.temperature_noise_k,
        current_offset_a=model.current_offset_a,
        capacity_ah=rated_ah,
        rest_for_ocv_s=np.inf if model.rest_for_ocv_h is None else 3600.0 * model.rest_for_ocv_h,
        ocv=np.ascontiguousarray(ocv),
        bleed_a=0.0 if bleed is None else 1e-3 * bleed.bleed_ma,
        bleed_start_v=0.0 if bleed is None else 1e-3 * bleed.start_mv,
        bleed_stop_v=0.0 if bleed is None else 1e-3 * bleed.stop_mv,
        bleed_above_v=0.0 if bleed is None else bleed.above_v,
        bleed_when=0 if bleed is None else sum(WHEN[name] for name in set(bleed.during)),
        derate_v=0.0 if derate is None else 1e-3 * derate.voltage_mv,
        derate_k=0.0 if derate is None else derate.temperature_k,
        derate_floor=1.0 if derate is None else 1e-2 * derate.floor_pct,
        key0=int(key[0]),
        key1=int(key[1]),
        purpose=BMS_NOISE,
    )


def memory(model: Bms, bms: k.Bms, net: Network, seed: int, block: int, pack: int, soc: float) -> k.Memory:
    """The BMS of pack number `pack` of a block before its first reading; `soc` is what it starts to count from."""
    sensors = bms.node.size
    normals = np.empty((4, sensors))
    fill_normals(*seed_key(seed), SENSOR, block, pack * sensors, 0, normals)
    scalars = np.zeros(k.N_SCALARS)
    scalars[k.SOC], scalars[k.CHARGE_FACTOR], scalars[k.DISCHARGE_FACTOR] = soc, 1.0, 1.0
    return k.Memory(
        reading=np.zeros(sensors),
        before_v=np.zeros(sensors),
        offset_v=1e-3 * model.sensor_offset_sd_mv * normals[0],
        stuck_v=np.full(sensors, np.nan),
        dead=np.zeros(sensors, np.bool_),
        offset_k=model.temperature_offset_sd_k * normals[1, :1].copy(),
        over_s=np.zeros(k.LIMITS),
        trial_s=np.zeros(k.LIMITS),
        bleeding=np.zeros(net.group.size, np.bool_),
        excess_v=np.zeros(net.group.size),
        scalars=scalars,
    )
