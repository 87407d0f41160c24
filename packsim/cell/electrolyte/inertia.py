"""How much slower the electrodes' mean concentrations move than steady profiles alone would have it (docs/spme.md)."""

from __future__ import annotations


def inertia(volumes: tuple[float, float, float], conductances: tuple[float, float, float]) -> float:
    """Factor on the electrodes' volumes that gives the difference of their means its exact first moment in time.

    `volumes`: eps L of negative, separator, positive; `conductances` at one diffusivity: 3 tor/L, tor/L, 3 tor/L.
    """
    (v_n, v_s, v_p), (a_n, s, a_p) = volumes, conductances
    # steady profile of a unit flux: parabolas in the electrodes, a straight line in the separator, no salt added
    edge_n = -(v_n / a_n + v_s * (-0.5 / s) + v_p * (-1.0 / s - 1.0 / a_p)) / (v_n + v_s + v_p)
    edge_p = edge_n - 1.0 / s
    mean_n, mean_p = edge_n + 1.0 / a_n, edge_p - 1.0 / a_p
    # first moment times the difference of the means: the square of the profile, because diffusion is symmetric ...
    exact = v_n * (mean_n**2 + 0.2 / a_n**2) + v_p * (mean_p**2 + 0.2 / a_p**2)
    exact += v_s * (edge_n**2 + edge_n * edge_p + edge_p**2) / 3.0
    # ... and what two means with a parabola between their edges would make of it
    n, p = v_n * mean_n, v_p * mean_p
    return exact / (0.5 * (n - p) / s + n / a_n - p / a_p)
