"""A smaller graph with the same answers: what members share once, weights in half precision."""

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import Sequential
from onnx_ir.passes.common import CommonSubexpressionEliminationPass, DeduplicateInitializersPass

_ANY_SIZE = 1 << 40
# Smaller ones (biases) would not be worth the rounding.
_FEWEST_WEIGHTS = 1024


def compact(model: ir.Model) -> None:
    """Merge equal weights and equal nodes, and store weights as float16; engines widen them when they load.

    Half precision has eleven significant bits, so a weight moves by at most 1 part in 2,048; export measures what that
    changes in the answers.

    Args:
        model: Changed in place.
    """
    Sequential(DeduplicateInitializersPass(size_limit=_ANY_SIZE), CommonSubexpressionEliminationPass())(model)
    graph = model.graph
    for value in list(graph.initializers.values()):
        if value.const_value is None or value.dtype != ir.DataType.FLOAT or value.const_value.size < _FEWEST_WEIGHTS:
            continue
        half = ir.tensor(value.const_value.numpy().astype(np.float16), name=f"{value.name}.half")
        stored = ir.Value(name=half.name, type=ir.TensorType(half.dtype), shape=value.shape, const_value=half)
        widen = ir.node("Cast", [stored], {"to": ir.DataType.FLOAT})
        graph.register_initializer(stored)
        graph.insert_before(graph[0], widen)
        ir.convenience.replace_all_uses_with(value, widen.outputs[0])
        del graph.initializers[str(value.name)]
