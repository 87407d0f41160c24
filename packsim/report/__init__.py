"""Figures and the one-file HTML report. Takes tables (DataFrames, plain dataclasses), never a Result."""
