"""Addresses of cells as the words of a counter."""
