"""Kernels that call no other kernel's compiled code than what was compiled with them.

Numba leaves the functions that a kernel has from other kernels as `linkonce_odr`: of all copies in a process the loader
takes the one that it meets first. But copies differ in the last bit, as what LLVM inlines, and fuses to multiply-adds,
depends on where it stands; and the first one met is another where kernels are compiled than where they are loaded. So the
first use of a machine gave other bits than all later ones. Here they become `internal` once they have been optimised:
each kernel keeps its own copies.
"""

from __future__ import annotations

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary


class OwnCode(JITCodeLibrary):  # type: ignore[misc]
    """Code of one kernel."""

    def _finalize_final_module(self) -> None:
        module = self._final_module
        defined = [function for function in module.functions if not function.is_declaration]
        external = [function.name for function in defined if function.linkage == llvm.Linkage.external]
        self._shared_module = module.clone()  # what others inline: as Numba makes it, from before the change
        for name in external:
            self._shared_module.get_function(name).linkage = "linkonce_odr"
        for function in defined:
            if function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = "internal"
        super()._finalize_final_module()
