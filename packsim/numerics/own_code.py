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

Numba keeps the code that others could inline beside the machine code, and reads it whenever it loads a kernel: half of the
time of that. What Python calls nobody inlines, so only the names are kept.
"""

from __future__ import annotations

from typing import Any

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

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """What is kept: machine code, and a module that says what is in it."""
        self._ensure_finalized()
        return self.name, "object", (self._get_compiled_object(), self._names().as_bitcode())

    def _names(self) -> llvm.ModuleRef:
        """Every name that Numba looks up in a kernel that it has loaded, with nothing behind it."""
        shared: Any = self._shared_module
        text = [str(self._codegen._create_empty_module(self.name))]
        text += [str(each) for each in shared.global_variables if each.linkage == llvm.Linkage.common]
        for each in shared.functions:
            if not each.is_declaration and each.linkage == llvm.Linkage.linkonce_odr:
                text.append(f'define linkonce_odr void @"{each.name}"() {{ ret void }}')
        return llvm.parse_assembly("\n".join(text))
