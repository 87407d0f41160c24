"""What a pack is put through (protocol.py), and what is kept of it (traces.py)."""
