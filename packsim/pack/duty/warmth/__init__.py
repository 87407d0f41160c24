"""Heat of a running pack: gathered step by step, moved every few of them."""
