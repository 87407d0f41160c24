"""The packs of a scenario: through the plain time loop where that is enough, else through the one with everything."""
