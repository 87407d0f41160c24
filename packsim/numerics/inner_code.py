"""Code that only other kernels call: what they inline, never optimised as a whole and never made machine code of.

Numba finishes every function as a library of its own: links all that it calls, optimises the whole, emits it. A function
ten calls deep was finished once for itself and once more in each of the ten above, and nobody ran any but the outermost:
40 of the 106 s that the first use compiled. Here a function that has no entry for Python stays as it is after Numba's
passes over single functions. The kernel that Python calls is optimised once, with everything that it calls in it: packs
run faster, since nothing is unrolled and vectorised before it is inlined. Random numbers are the exception: their loops are
whole, and vectorised worse once they stand in other loops, so they are optimised on their own, too (docs/benchmarks.md).
"""

from __future__ import annotations

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary

OPTIMISED_ALONE = "packsim.numerics.streams"  # the module


class InnerCode(JITCodeLibrary):  # type: ignore[misc]
    """Code of one function that only kernels call, and of what it calls."""

    _final_module: llvm.ModuleRef

    module_name = ""  # of the function

    def _optimize_final_module(self) -> None:
        """Left to the kernels that call it."""
        if self.module_name == OPTIMISED_ALONE:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()  # both look at the module that is about to be replaced
        self._verify_declare_only_symbols()
        linked = self._shared_module = self._final_module
        for function in linked.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.external:
                function.linkage = "linkonce_odr"  # as Numba does for what others inline
        self._final_module = self._environments(linked)
        super()._finalize_final_module()

    def _environments(self, linked: llvm.ModuleRef) -> llvm.ModuleRef:
        """What Numba wants to find in memory: where functions look for their Python globals."""
        text = [str(self._codegen._create_empty_module(self.name))]
        text += [str(each) for each in linked.global_variables if each.linkage == llvm.Linkage.common]
        module = llvm.parse_assembly("\n".join(text))
        module.name = linked.name
        return module
