"""What ends a step of the protocol."""
