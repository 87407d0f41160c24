"""What a cell suffers beyond its limits: copper, soft shorts, broken SEI, plating risk, over-charge (docs/beyond.md)."""
