"""Vector registers as wide as the processor has them, for packsim's kernels alone.

LLVM keeps to 256 of the 512 bits that Intel's processors have, because the first of these (2017) slowed their clock
for wide ones; those since 2019 do not. A whole line is sampled 1.3 times as fast with all of them. This is an attribute
of each function, neither a setting of Numba's (it would hold for other packages' functions too, and only if made before
the first of them is compiled) nor another processor's name. Processors without such registers are unaffected, and no bit
of any result depends on it.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

from packsim.numerics.flags import QuickFlags
from packsim.numerics.inner_code import InnerCode
from packsim.numerics.own_code import OwnCode

WIDEST = '"prefer-vector-width"="512"'


class _WideLower(Lower):  # type: ignore[misc]
    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)
        set.add(self.function.attributes, WIDEST)  # their own `add` knows of no attributes of a single target


@register_pass(mutates_CFG=True, analysis_only=False)
class _WideLowering(NativeLowering):  # type: ignore[misc]
    _name = "packsim_native_lowering"

    def run_pass(self, state: Any) -> bool:
        if state.library is None:  # else Numba makes it, in the same way
            codegen = state.targetctx.codegen()
            inner, name = state.flags.no_cpython_wrapper, state.func_id.func_qualname
            state.library = InnerCode(codegen, name) if inner else OwnCode(codegen, name)
            if inner:
                state.library.module_name = state.func_id.modname
            state.library.enable_object_caching()
        return bool(super().run_pass(state))

    @property
    def lowering_class(self) -> type[Lower]:
        return _WideLower


class WideCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's compiler, with the attribute on each function. Kernels keep their own code (`own_code`); what only kernels
    call is left unfinished (`inner_code`).
    """

    def __init__(self, typing: Any, target: Any, library: Any, args: Any, result: Any, flags: Any, types: Any) -> None:
        super().__init__(typing, target, library, args, result, QuickFlags(flags), types)

    def define_pipelines(self) -> list[Any]:
        """As Numba's own, but for the lowering."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(_WideLowering if each is NativeLowering else each, name) for each, name in passes.passes]
        return [passes]
