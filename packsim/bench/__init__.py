"""Speed of this build on this machine, beside incumbents and bounds: `packsim bench`. Imported only when asked for."""
