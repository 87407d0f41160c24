"""Which current the pack carries, so that the protocol's target is met."""
