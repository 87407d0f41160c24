"""Currents at the end of a step."""
