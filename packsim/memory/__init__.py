"""What a machine keeps between processes beside compiled kernels: results that are the same whenever they are made."""
