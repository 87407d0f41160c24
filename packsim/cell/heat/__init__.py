"""How a cell follows temperature, and the heat it gives off. Equations, sources and errors: docs/heat.md."""
