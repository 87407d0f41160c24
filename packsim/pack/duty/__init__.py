"""A pack through a protocol: currents, heat, battery management, faults, step by step."""
