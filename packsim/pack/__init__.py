"""Packs: topology, the coupled solve, charge, rest and discharge."""
