"""What the cells of one lot, lane, roll or segment share."""
