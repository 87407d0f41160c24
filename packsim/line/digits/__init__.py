"""Rare decisions from the first digits of uniforms."""
