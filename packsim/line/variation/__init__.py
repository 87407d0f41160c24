"""Where variation comes from: lots, positions across the web, rolls, drift, wear, and the pieces themselves."""
