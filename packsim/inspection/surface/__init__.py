"""Polynomials that stand in for running the cells: fitted and evaluated by compiled loops."""
