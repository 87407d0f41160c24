"""The end-of-line test: what is measured, decided and how passing cells are graded into packs."""
