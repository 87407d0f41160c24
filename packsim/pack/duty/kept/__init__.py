"""What is kept of a running pack."""
