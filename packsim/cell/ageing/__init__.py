"""Slow ageing of a cell within its limits: SEI, loss of active material, plating, pores, leakage (docs/ageing.md)."""
