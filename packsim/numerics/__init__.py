"""Numerics: compiled-loop options, counter-based random numbers, fast elementary functions, tables."""
