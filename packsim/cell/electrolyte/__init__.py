"""Salt between the electrodes: two mean concentrations, and profiles from a table made once per electrolyte."""
