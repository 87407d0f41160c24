"""Kernels that call no other kernel's compiled code than what was compiled with them.

Numba leaves the functions that a kernel has from other kernels as `linkonce_odr`: of all copies in a process the loader
takes the one that it meets first. But copies differ in the last bit, as what LLVM inlines, and fuses to multiply-adds,
depends on where it stands; and the first one met is another where kernels are compiled than where they are loaded. So the
first use of a machine gave other bits than all later ones. Here they become `private`: each kernel keeps its own copies.

They become so before they are optimised. LLVM may then change how they are called, which it may not where others could
call them too: of a tuple of arrays, seven words each, only what the called function reads is handed on. Handing on the
rest was a fifth of a pack's time.

`private`, not `internal`: the loader of a process knows functions by their names, internal ones as well, and would take one
of these, that is called in another way, for one of the same name that other code of Numba's brings along.
"""

from __future__ import annotations

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary


class OwnCode(JITCodeLibrary):  # type: ignore[misc]
    """Code of one kernel that Python calls."""

    _final_module: llvm.ModuleRef

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = "private"
        super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        functions = self._final_module.functions
        external = [f.name for f in functions if not f.is_declaration and f.linkage == llvm.Linkage.external]
        self._shared_module = self._final_module.clone()  # what others inline, as Numba makes it
        for name in external:
            self._shared_module.get_function(name).linkage = "linkonce_odr"
        super()._finalize_final_module()
