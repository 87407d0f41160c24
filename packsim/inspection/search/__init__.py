"""The end point of each cell's capacity test."""
