"""The table cell: OCV, resistance and RC pairs from measurements."""
