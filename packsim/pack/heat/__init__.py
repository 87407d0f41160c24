"""Heat in the pack: one node a cell, conduction between neighbours, coolant along a path, ambient (docs/heat.md)."""
