"""Studies: run a scenario, compare two, calibrate a line to a qualification rate."""
