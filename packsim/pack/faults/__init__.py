"""Faults put into a pack at a time and place, and faults found in it by what they do."""
