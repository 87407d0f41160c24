"""Heat in a pack: lumped cells, conduction to neighbours, coolant along its flow, ambient."""
