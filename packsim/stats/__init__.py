"""Intervals and comparisons that respect the hierarchy lot -> block -> pack -> cell."""
