"""The electrical network of a pack: cells, groups, strings and modules with their joints, solved in O(cells)."""
