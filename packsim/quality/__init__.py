"""Statistical quality control: capability, control charts, gauge studies, yields. Pure functions of arrays."""
