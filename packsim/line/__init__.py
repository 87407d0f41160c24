"""The factory: spreads, lots, rolls and defects of the process line become as-built cells."""
