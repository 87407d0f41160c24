"""A cell's temperature: what it does to the cell's parameters, and the heat the cell makes."""
