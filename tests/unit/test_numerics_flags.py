"""Flags that are quick to compare say what Numba's say."""

from __future__ import annotations

from numba.core.compiler import Flags

from packsim.numerics.flags import QuickFlags


def made(kind=Flags, **values):
    flags = kind()
    for name, value in values.items():
        setattr(flags, name, value)
    return flags


def test_they_equal_those_of_numba_that_say_the_same():
    for values in ({}, {"nrt": True}, {"nrt": True, "error_model": "numpy"}):
        flags = QuickFlags(made(**values))
        assert flags == made(**values) == flags == QuickFlags(flags)
        assert hash(flags) == hash(made(**values))
        assert {made(**values): "found"}[flags] == {flags: "found"}[made(**values)] == "found"
        assert flags != made(enable_pyobject=True, **values)
        assert flags != QuickFlags(made(enable_pyobject=True, **values))
        assert flags != "flags"


def test_what_is_set_to_what_it_was_anyway_makes_no_difference():
    default = Flags.options["nrt"].default
    assert QuickFlags() == made(QuickFlags, nrt=default) == Flags()


def test_copies_are_quick_too_and_on_their_own():
    flags = made(QuickFlags, nrt=True)
    copy = flags.copy()
    assert type(copy) is QuickFlags
    assert copy == flags
    copy.no_compile = True
    assert copy != flags
