"""Two electrodes and their lithium: array layout, OCP tables, traits to coefficients, electrode balance."""
