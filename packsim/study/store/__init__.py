"""What is kept of a run, in memory or on disk, block after block: `put(number, result)` and `iter(table, columns)`."""
