"""The single-particle model with electrolyte: how one step of one cell is computed (docs/spme.md)."""
