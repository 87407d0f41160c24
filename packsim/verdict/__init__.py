"""What happened to each pack, why, and where in the factory it came from."""
