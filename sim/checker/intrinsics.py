"""What numba has no word for: hints and bit counts that processors have one instruction for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """prefetch(array, index): begin to load the element with this number in the memory of an array whose rows lie one behind the other;
    never fails."""

    insert_function: Any = cgutils.get_or_insert_function

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.gep(data, [arguments[1]])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        hint = insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte, *[number] * 3]), "llvm.prefetch.p0i8")
        # For writing, to be kept in all caches, data.
        builder.call(hint, [builder.bitcast(pointer, byte), number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


@intrinsic
def _lowest_bit(typing_context: Any, word: Any) -> Any:
    """lowest_bit(word): the place of the lowest bit that is set in a uint64; 64 if none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


@intrinsic
def _bits_set(typing_context: Any, word: Any) -> Any:
    """bits_set(word): how many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


prefetch: Any = _prefetch
lowest_bit: Any = _lowest_bit
bits_set: Any = _bits_set
