"""Noise of the sensors of a battery management system stands at the addresses that numerics/purposes.py names."""

from __future__ import annotations

import numpy as np
import pytest
from naive_line import normal

from packsim.pack.bms import kernels as k
from packsim.pack.pack import Pack
from packsim.scenario.bms import Bms

SEED, BMS_NOISE, BLOCK, PACK = 7, 63, 3, 2


def test_voltage_and_temperature_noise_against_a_plain_twin():
    """Sample `number` of sensor s of pack p: normal 0 at (block, number, p (sensors + 1) + s); temperature: s = sensors."""
    model = Bms(sampling_s=1.0, sensor_noise_mv=3.0, temperature_noise_k=0.5)
    pack = Pack("Chen2020", "3s1p", seed=SEED, bms=model)
    own, bms = pack.own, pack.plan.bms
    own.memory.before_v[:], own.memory.reading[:] = [3.6, 3.5, 3.9], [3.8, 3.7, 4.1]
    for number in (0, 1, 77):
        noise = [normal(SEED, BMS_NOISE, 0, BLOCK, number, PACK * 4 + sensor) for sensor in range(4)]
        expected = np.array([3.65, 3.55, 3.95]) + 3e-3 * np.array(noise[:3])
        assert k.sample(own.memory, bms, BLOCK, PACK, number, 0.25) == pytest.approx(
            (expected.min(), expected.max()), abs=1e-9
        )
        assert k.temperature_noise(bms, BLOCK, PACK, number) == pytest.approx(0.5 * noise[3], abs=1e-6)
