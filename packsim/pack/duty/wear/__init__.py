"""What changes cells beside their current."""
