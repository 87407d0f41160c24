"""In-line inspections: what is found, scrapped and reworked before the end of the line."""
