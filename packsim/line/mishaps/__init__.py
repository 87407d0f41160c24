"""What happens to the few cells that have a defect."""
