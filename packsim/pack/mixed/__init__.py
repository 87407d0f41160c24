"""Cells of different designs in one parallel group."""
