"""Which build of packsim made a result."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version
from pathlib import Path

from packsim.numerics.kernel_cache import PACKAGE, source_hash

LIBRARIES = ("numpy", "scipy", "pybamm")  # beside those that `source_hash` knows


@functools.cache
def program_hash(package: Path = PACKAGE) -> str:
    """SHA-256 (hex) of every source file of the package, of the libraries' versions and of what the kernels depend on.

    As the sources were when it was first asked, of packsim when this is imported: what runs is what was there then.
    """
    return hashed_now(package)


def hashed_now(package: Path = PACKAGE) -> str:
    """As `program_hash`, of the sources as they are now."""
    digest = hashlib.sha256(source_hash().encode())
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(" ".join(version(name) for name in LIBRARIES).encode())
    return digest.hexdigest()


program_hash()
