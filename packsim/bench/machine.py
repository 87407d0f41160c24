"""What a result was measured on: processor, versions, build."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import llvmlite.binding

import packsim
from packsim.numerics.kernel_cache import PACKAGE, config, source_hash

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "pybamm", "pyarrow", "distributed")
WIDTHS = (("avx512f", "512 bit (AVX-512)"), ("avx2", "256 bit (AVX2)"), ("neon", "128 bit (NEON)"))


def machine() -> dict[str, str]:
    """The description, in the order in which it is printed."""
    described = {
        "processor": processor(),
        "cores": str(cores()),
        "threads": str(config.NUMBA_NUM_THREADS),
        "vector registers": vector_width(),
        "memory": memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "busy before": load(),
        "packsim": f"{packsim.__version__}{commit()}",
        "kernels": source_hash(),
        "python": platform.python_version(),
    }
    return described | {name: found for name in LIBRARIES if (found := library(name))}


def processor() -> str:
    """The processor's name, and its family and model where the name says little."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", text, re.MULTILINE))
    name = found.get("model name", platform.processor() or platform.machine())
    number = f", family {found['cpu family']} model {found['model']}" if {"cpu family", "model"} <= set(found) else ""
    return f"{name}{number} ({llvmlite.binding.get_host_cpu_name()})"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def vector_width() -> str:
    """The widest vector registers that kernels may be compiled for."""
    features = llvmlite.binding.get_host_cpu_features()
    return next((width for name, width in WIDTHS if features.get(name)), "128 bit")


def memory() -> str:
    """Memory of the machine in GB, where the system says it."""
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB"
    except (AttributeError, OSError, ValueError):
        return "unknown"


def load() -> str:
    """Processes that wanted a processor in the last minute: numbers of a busy machine are too low."""
    return f"{os.getloadavg()[0]:.2f} processes" if hasattr(os, "getloadavg") else "unknown"


def library(name: str) -> str:
    """Its version, empty where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def commit() -> str:
    """` (commit)` of a checkout, with `-dirty` where it is changed; empty elsewhere."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f" ({done.stdout.strip()})"
