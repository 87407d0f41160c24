"""Steps over which the current runs straight from one value to the next, in place of being held."""
