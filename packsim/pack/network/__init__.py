"""Cells, joints and rails as one network of two-terminal nodes, solved in O(cells)."""
