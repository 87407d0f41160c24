"""From one cycle to years: how the cells of a pack age apart, and when the pack fails."""
