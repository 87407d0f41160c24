"""One cell: parameter set -> design, as-built traits, electrode balance, SPMe and table kernels."""
