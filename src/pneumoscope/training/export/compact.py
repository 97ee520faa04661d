"""A smaller graph with nearly the same answers: what members share once, weights in a byte or in half precision."""

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import Sequential
from onnx_ir.passes.common import CommonSubexpressionEliminationPass, DeduplicateInitializersPass

_ANY_SIZE = 1 << 40
# Smaller ones (biases) would not be worth the rounding.
_FEWEST_WEIGHTS = 1024
# Of a pointwise convolution that is stored in bytes: the deep ones of MobileNetV2. Its first blocks have few weights
# and pass on every rounding error; in bytes they moved answers four times as far as all deep ones together.
_FEWEST_IN_BYTES = 40_000
_LARGEST_BYTE = 127


def compact(model: ir.Model, *, in_bytes: bool = True) -> None:
    """Merge equal weights and equal nodes, and store weights in few bits; engines widen them once, when they load.

    Deep pointwise convolutions, which hold most weights, take a byte a weight and a scale an output channel, other
    weights float16; the arithmetic stays in single precision. Export measures what that changes in the answers, and
    thresholds are chosen on the rounded graph.

    Args:
        model: Changed in place.
        in_bytes: Whether deep pointwise convolutions take a byte. One network alone answers otherwise by up to a tenth
            in probability; in an average of several the errors cancel out.

    Source:
        Krishnamoorthi, arXiv 1806.08342, section 3.1.1 and table 2 (symmetric weights, a scale a channel).
    """
    Sequential(DeduplicateInitializersPass(size_limit=_ANY_SIZE), CommonSubexpressionEliminationPass())(model)
    graph = model.graph
    for value in list(graph.initializers.values()):
        if value.const_value is None or value.dtype != ir.DataType.FLOAT or value.const_value.size < _FEWEST_WEIGHTS:
            continue
        weights = value.const_value.numpy()
        deep = in_bytes and weights.shape[2:] == (1, 1) and weights.size >= _FEWEST_IN_BYTES
        widened = _from_bytes(graph, value, weights) if deep else _from_halves(graph, value, weights)
        ir.convenience.replace_all_uses_with(value, widened)
        del graph.initializers[str(value.name)]


def _from_bytes(graph: ir.Graph, value: ir.Value, weights: np.ndarray) -> ir.Value:
    """Store weights as whole numbers and scales (1 for channels of zeros), and return the value computed from them."""
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scale = (np.where(largest > 0, largest, _LARGEST_BYTE) / _LARGEST_BYTE).astype(np.float32)
    whole = np.round(weights / scale).astype(np.int8)
    cast = ir.node("Cast", [_stored(graph, value, "byte", whole)], {"to": ir.DataType.FLOAT})
    scaled = ir.node("Mul", [cast.outputs[0], _stored(graph, value, "scale", scale)])
    graph.insert_before(graph[0], [cast, scaled])
    return scaled.outputs[0]


def _from_halves(graph: ir.Graph, value: ir.Value, weights: np.ndarray) -> ir.Value:
    """Store weights in half precision (eleven significant bits), and return the value widened from them."""
    cast = ir.node("Cast", [_stored(graph, value, "half", weights.astype(np.float16))], {"to": ir.DataType.FLOAT})
    graph.insert_before(graph[0], cast)
    return cast.outputs[0]


def _stored(graph: ir.Graph, value: ir.Value, kind: str, array: np.ndarray) -> ir.Value:
    tensor = ir.tensor(array, name=f"{value.name}.{kind}")
    stored = ir.Value(
        name=tensor.name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape), const_value=tensor
    )
    graph.register_initializer(stored)
    return stored


def stripped(model: onnx.ModelProto) -> bytes:
    """Return the model without what its exporter noted: stack traces, names of files, the like."""
    del model.metadata_props[:]
    model.doc_string = ""
    graph = model.graph
    graph.doc_string = ""
    for found in (graph.node, graph.initializer, graph.value_info, graph.input, graph.output):
        for one in found:
            one.doc_string = ""
            del one.metadata_props[:]
    del graph.metadata_props[:]
    del graph.value_info[:]
    for function in model.functions:
        function.doc_string = ""
        del function.metadata_props[:]
    content: bytes = model.SerializeToString()
    return content
