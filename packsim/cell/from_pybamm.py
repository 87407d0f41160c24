"""The only door to PyBaMM: a set's name, `ParameterValues` or a BPX file becomes plain numbers at one temperature.

Everything is evaluated through `pybamm.LithiumIonParameters`, so Arrhenius factors, entropy terms and PyBaMM's own
OCP asymptotes are in the samples. PyBaMM is imported inside the functions: it costs over a second.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing.reading import AgeingParameters, read_ageing
from packsim.cell.electrodes.ocp import grid
from packsim.cell.heat.reading import HeatParameters, read_heat

if TYPE_CHECKING:
    import pybamm

Array = npt.NDArray[np.float64]

CONCENTRATION_GRID = np.linspace(0.0, 4000.0, 257)  # mol/m3; PyBaMM floors c_e at 10 itself
STO_GRID_D = np.linspace(0.0, 1.0, 513)
CONTACT = "Contact resistance [Ohm]"
SLOPE_STEP = 1e-6  # half-width of the central difference that gives the OCP slopes


class UnsupportedParameterSet(ValueError):
    """A parameter set that the SPMe kernel cannot represent; the message says why in one line."""


@dataclass(frozen=True)
class ElectrodeParameters:
    """One electrode at one temperature (SI). `ocp_*` and `diffusivity` are samples over stoichiometry."""

    thickness_m: float
    active_fraction: float
    porosity: float
    particle_radius_m: float
    c_max: float
    c_init: float
    bruggeman_electrolyte: float
    bruggeman_electrode: float
    conductivity: float
    exchange_m: float  # j0 = exchange_m * sqrt(c_e) * sqrt(x (1 - x))
    ocp_sto: Array
    ocp_v: Array
    ocp_slope: Array
    diffusivity: Array  # on STO_GRID_D


@dataclass(frozen=True)
class CellParameters:
    """A parameter set as plain numbers at one temperature (SI); what `design.py` builds its tables from."""

    name: str
    temperature_k: float
    nominal_capacity_ah: float
    lower_cutoff_v: float
    upper_cutoff_v: float
    area_m2: float  # width x height x electrodes in parallel
    contact_resistance_ohm: float
    negative: ElectrodeParameters
    positive: ElectrodeParameters
    separator_thickness_m: float
    separator_porosity: float
    separator_bruggeman: float
    c_e_init: float
    transference: float
    chi: Array  # 2 (1 - t+) (thermodynamic factor) on CONCENTRATION_GRID
    electrolyte_diffusivity: Array  # on CONCENTRATION_GRID
    electrolyte_conductivity: Array  # on CONCENTRATION_GRID
    heat: HeatParameters
    ageing: AgeingParameters


def parameter_values(source: str | Path | pybamm.ParameterValues) -> tuple[str, pybamm.ParameterValues]:
    """Name and ParameterValues of a set name, a BPX file (`*.json`) or ready ParameterValues.

    Raises:
        FileNotFoundError: the BPX file is missing.
        ValueError: the set is unknown or the file is not valid BPX.
    """
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    import pybamm

    if isinstance(source, pybamm.ParameterValues):
        return "ParameterValues", source
    text = str(source)
    if text.endswith(".json"):
        if not Path(text).is_file():
            raise FileNotFoundError(f"BPX file not found: {text}")
        return Path(text).name, _read_bpx(Path(text))
    if text not in pybamm.parameter_sets:
        raise ValueError(f"unknown parameter set {text!r}; known: {', '.join(sorted(pybamm.parameter_sets.keys()))}")
    return text, pybamm.ParameterValues(text)


def _read_bpx(path: Path) -> pybamm.ParameterValues:
    import pybamm

    try:
        return pybamm.ParameterValues.create_from_bpx(str(path))
    except ImportError as error:
        raise ValueError(f"{path.name}: reading BPX files needs the package `bpx` (pip install bpx)") from error
    except (ValueError, KeyError, TypeError) as error:  # pydantic's ValidationError is a ValueError of many lines
        reason = " ".join(str(error).split())
        raise ValueError(f"{path.name}: not a valid BPX file ({reason[:300]})") from error


OTHER_MODELS = (  # a parameter that only sets for another model have, and what such a set is
    ("Exchange-current density for lithium metal electrode [A.m-2]", "a half cell against lithium metal"),
    ("Molar volume of lead [m3.mol-1]", "a lead-acid cell"),
    ("R0 [Ohm]", "an equivalent circuit (use packsim's TableCell)"),
    ("Number of reactions in negative electrode", "a multi-species multi-reaction (MSMR) set"),
)


def _refuse_other_models(name: str, values: pybamm.ParameterValues) -> None:
    """Say in one line what the set is, if it is none for a lithium-ion SPMe."""
    keys = set(values.keys())
    found = [what for key, what in OTHER_MODELS if key in keys]
    if any(key.startswith("Primary: ") for key in keys):
        found.append("a set with a two-phase (composite) electrode")
    if found:
        raise UnsupportedParameterSet(f"{name}: {found[0]}; the SPMe kernel needs two single-phase porous electrodes")


class _Reader:
    """Evaluates expressions of one ParameterValues at one temperature."""

    def __init__(self, name: str, values: pybamm.ParameterValues, temperature_k: float) -> None:
        import pybamm

        self.pybamm, self.name, self.values = pybamm, name, values
        self.temperature = pybamm.Scalar(temperature_k)
        self.params = pybamm.LithiumIonParameters()

    def numbers(self, expression: Any) -> Array:
        processed = self.values.process_symbol(expression)
        return np.ravel(np.asarray(processed.evaluate(), dtype=np.float64))

    def over(self, points: Array, function: Any) -> Array:
        """`function(points)` as an array of the same length (constants are broadcast)."""
        return np.broadcast_to(self.numbers(function(self.pybamm.Vector(points))), points.shape).astype(np.float64)

    def scalar(self, key: str) -> float:
        """A parameter that is one number; one that varies through the cell is refused."""
        value = self.values[key]
        if callable(value):  # e.g. a porosity written as a function of x: must be the same everywhere
            names = value.__code__.co_varnames[: value.__code__.co_argcount]
            found = [float(np.ravel(value(*[position] * len(names)))[0]) for position in (0.0, 1e-5, 1e-4)]
            if np.ptp(found) > 1e-12 * abs(found[0]):
                raise UnsupportedParameterSet(f"{self.name}: {key} varies through the cell, which SPMe kernels lack")
            return found[0]
        return float(self.values.evaluate(self.pybamm.Parameter(key)))


def _electrode(read: _Reader, side: str) -> ElectrodeParameters:
    domain = read.params.n if side == "Negative" else read.params.p
    phase, temperature = domain.prim, read.temperature
    c_max = float(read.numbers(phase.c_max)[0])
    c_e_init = read.scalar("Initial concentration in electrolyte [mol.m-3]")
    sto = grid()
    up = read.over(sto + SLOPE_STEP, lambda x: phase.U(x, temperature))
    down = read.over(sto - SLOPE_STEP, lambda x: phase.U(x, temperature))
    return ElectrodeParameters(
        thickness_m=read.scalar(f"{side} electrode thickness [m]"),
        active_fraction=read.scalar(f"{side} electrode active material volume fraction"),
        porosity=read.scalar(f"{side} electrode porosity"),
        particle_radius_m=read.scalar(f"{side} particle radius [m]"),
        c_max=c_max,
        c_init=read.scalar(f"Initial concentration in {side.lower()} electrode [mol.m-3]"),
        bruggeman_electrolyte=read.scalar(f"{side} electrode Bruggeman coefficient (electrolyte)"),
        bruggeman_electrode=read.scalar(f"{side} electrode Bruggeman coefficient (electrode)"),
        conductivity=float(read.numbers(domain.sigma(None, temperature))[0]),
        exchange_m=_exchange_constant(read, phase, side, c_max, c_e_init),
        ocp_sto=sto,
        ocp_v=read.over(sto, lambda x: phase.U(x, temperature)),
        ocp_slope=(up - down) / (2 * SLOPE_STEP),
        diffusivity=read.over(STO_GRID_D, lambda x: phase.D(x * c_max, temperature)),
    )


def _exchange_constant(read: _Reader, phase: Any, side: str, c_max: float, c_e_init: float) -> float:
    """m in j0 = m sqrt(c_e) sqrt(x (1 - x)); any other form is refused, since the kernel would be wrong."""
    sto = np.array([0.05, 0.2, 0.5, 0.8, 0.95])
    shape = np.sqrt(sto * (1 - sto))
    found = []
    for factor in (0.5, 1.0, 2.0):
        c_e = read.pybamm.Scalar(factor * c_e_init)
        j0 = read.over(sto, lambda x, c_e=c_e: phase.j0(c_e, x * c_max, read.temperature))
        found.append(j0 / (shape * np.sqrt(factor * c_e_init)))
    m = float(found[1][2])
    if not np.allclose(found, m, rtol=1e-3):
        raise UnsupportedParameterSet(
            f"{read.name}: the {side.lower()} exchange-current density is not m*sqrt(c_e*x*(1-x)), "
            "the only form the SPMe kernel has"
        )
    return m


def read_parameters(
    source: str | Path | pybamm.ParameterValues, temperature_k: float = 298.15
) -> tuple[str, CellParameters]:
    """Plain numbers of a PyBaMM set, ParameterValues or BPX file at `temperature_k`.

    Raises:
        UnsupportedParameterSet: no porous-electrode lithium-ion set with sqrt kinetics (half cells, lead acid, ECM,
            two-phase electrodes, transference number that depends on concentration).
        FileNotFoundError, ValueError: see `parameter_values`.
    """
    name, values = parameter_values(source)
    _refuse_other_models(name, values)
    read = _Reader(name, values, temperature_k)
    try:
        return name, _read(read, temperature_k)
    except (KeyError, TypeError) as error:
        reason = str(error.args[0] if error.args else error).splitlines()[0]
        raise UnsupportedParameterSet(f"{name}: not a lithium-ion set for the SPMe kernel ({reason})") from error


def _read(read: _Reader, temperature_k: float) -> CellParameters:
    p, temperature = read.params, read.temperature
    c_e_init = read.scalar("Initial concentration in electrolyte [mol.m-3]")
    t_plus = read.over(np.array([0.5, 1.0, 1.5]) * c_e_init, lambda c: p.t_plus(c, temperature))
    if np.ptp(t_plus) > 1e-9:
        raise UnsupportedParameterSet(f"{read.name}: the transference number depends on concentration")
    area = (
        read.scalar("Electrode width [m]")
        * read.scalar("Electrode height [m]")
        * read.scalar("Number of electrodes connected in parallel to make a cell")
    )
    negative, positive = _electrode(read, "Negative"), _electrode(read, "Positive")
    separator_m, separator_porosity = read.scalar("Separator thickness [m]"), read.scalar("Separator porosity")
    layers = [(e.thickness_m, e.porosity) for e in (negative, positive)] + [(separator_m, separator_porosity)]
    salt, gaps = sum(x * eps for x, eps in layers), sum(x / eps for x, eps in layers)
    c_ref = c_e_init * salt * gaps / sum(x for x, _ in layers) ** 2  # where PyBaMM takes conductivity and chi
    return CellParameters(
        name=read.name,
        temperature_k=temperature_k,
        nominal_capacity_ah=read.scalar("Nominal cell capacity [A.h]"),
        lower_cutoff_v=read.scalar("Lower voltage cut-off [V]"),
        upper_cutoff_v=read.scalar("Upper voltage cut-off [V]"),
        area_m2=area,
        contact_resistance_ohm=read.scalar(CONTACT) if CONTACT in read.values else 0.0,  # BPX has none
        negative=negative,
        positive=positive,
        separator_thickness_m=separator_m,
        separator_porosity=separator_porosity,
        separator_bruggeman=read.scalar("Separator Bruggeman coefficient (electrolyte)"),
        c_e_init=c_e_init,
        transference=float(t_plus[1]),
        chi=read.over(CONCENTRATION_GRID, lambda c: p.chi(c, temperature)),
        electrolyte_diffusivity=read.over(CONCENTRATION_GRID, lambda c: p.D_e(c, temperature)),
        electrolyte_conductivity=read.over(CONCENTRATION_GRID, lambda c: p.kappa_e(c, temperature)),
        heat=read_heat(read, temperature_k, c_e_init, c_ref),
        ageing=read_ageing(
            read, read.name, (negative.c_max, positive.c_max), (negative.active_fraction, positive.active_fraction)
        ),
    )


class UnsupportedExperiment(ValueError):
    """A PyBaMM experiment with something that no pack protocol has; one line that names the step."""


ExperimentStep = tuple[str, float, float, list[tuple[str, float]], float, tuple[Array, Array] | None]


def experiment_steps(experiment: pybamm.Experiment) -> list[ExperimentStep]:
    """The steps of an experiment as plain values, for one cell, discharge positive.

    Returns:
        A tuple for each step: kind (current, c_rate, voltage, power); value [A, 1, V, W]; duration [s], inf where PyBaMM
        would stop after its default time; ends as (voltage_below_v | voltage_above_v | current_below_a | c_rate_below,
        value); ambient temperature [K], nan if not given; times [s] and values of a drive cycle (linear between points,
        loops written out), or None.

    Raises:
        UnsupportedExperiment: see the class.
    """
    if experiment.termination:
        raise UnsupportedExperiment(
            f"experiment: given termination {experiment.termination_string!r} of the whole; allowed: ends of single steps"
        )
    return [_experiment_step(place, step) for place, step in enumerate(experiment.steps)]


def _experiment_step(place: int, step: Any) -> ExperimentStep:
    import pybamm

    where = f"experiment: step {place} ({' '.join(str(step).split())[:120]})"
    types = pybamm.step
    named = ((types.CRate, "c_rate"), (types.Current, "current"), (types.Voltage, "voltage"), (types.Power, "power"))
    kind = next((name for kind, name in named if isinstance(step, kind)), None)
    if kind is None:
        raise UnsupportedExperiment(
            f"{where}: given {type(step).__name__}; allowed: current, C-rate, power, voltage, rest"
        )
    if step.start_time is not None:
        raise UnsupportedExperiment(f"{where}: given a start time; allowed: rests between the steps")
    points = None
    value = math.nan
    if step.is_drive_cycle:
        points = (np.array(step.value.x[0], float), np.array(step.value.y, float).ravel())
        if kind == "voltage":
            raise UnsupportedExperiment(
                f"{where}: given a voltage over time; allowed: current, C-rate or power over time"
            )
    else:
        try:
            value = float(step.value)
        except (TypeError, ValueError, NotImplementedError):
            raise UnsupportedExperiment(f"{where}: given {step.value!s}; allowed: a number or a drive cycle") from None
    ends = [_experiment_end(where, end, step) for end in step.termination]
    duration = math.inf if step.uses_default_duration else float(step.duration)
    ambient = math.nan if step.temperature is None else float(step.temperature)
    return kind, value, duration, [end for end in ends if end is not None], ambient, points


def _experiment_end(where: str, end: Any, step: Any) -> tuple[str, float] | None:
    """One termination; None for a voltage that PyBaMM leaves out, because neither step nor end says a direction."""
    import pybamm.experiment.step.step_termination as kinds

    side = end.operator if hasattr(end, "operator") else None
    if isinstance(end, kinds.VoltageTermination):
        side = side or {"charge": ">", "discharge": "<"}.get(step.direction)
        return None if side is None else ("voltage_above_v" if side == ">" else "voltage_below_v", float(end.value))
    if isinstance(end, kinds.CRateTermination):
        return "c_rate_below", float(end.value)
    if isinstance(end, kinds.CurrentTermination):  # with an operator PyBaMM compares the current with its sign
        falls = (side == "<" and end.value >= 0.0 and step.direction == "discharge") or (
            side == ">" and end.value <= 0.0 and step.direction == "charge"
        )
        if falls or side is None:
            return "current_below_a", abs(float(end.value))
    raise UnsupportedExperiment(
        f"{where}: given the end {end!r}; allowed: a voltage, or a current that falls to a value"
    )
