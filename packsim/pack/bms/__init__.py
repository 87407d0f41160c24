"""The battery management system: what it measures, when it acts, how it balances."""
