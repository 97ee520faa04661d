"""The graph that ships is smaller than the one that torch writes, and answers alike."""

import numpy as np
import onnx_ir as ir

from pneumoscope.training.export.compact import compact

WEIGHT = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)


def twice(one: np.ndarray, other: np.ndarray) -> ir.Model:
    """x @ one + x @ other."""
    x = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["n", 64]))
    weights = [
        ir.Value(
            name=name,
            type=ir.TensorType(ir.DataType.FLOAT),
            shape=ir.Shape(w.shape),
            const_value=ir.tensor(w, name=name),
        )
        for name, w in (("one", one), ("other", other))
    ]
    products = [ir.node("MatMul", [x, weight]) for weight in weights]
    total = ir.node("Add", [product.outputs[0] for product in products])
    total.outputs[0].name = "y"
    total.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
    total.outputs[0].shape = ir.Shape(["n", 32])
    graph = ir.Graph(
        [x], total.outputs, nodes=[*products, total], initializers=weights, opset_imports={"": 18}, name="g"
    )
    return ir.Model(graph, ir_version=10)


def answer(model: ir.Model, x: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString())
    (y,) = session.run(None, {"x": x})
    return np.asarray(y)


def test_equal_weights_are_stored_and_used_once() -> None:
    model = twice(WEIGHT, WEIGHT.copy())
    compact(model)
    assert sum(node.op_type == "MatMul" for node in model.graph) == 1
    assert len(model.graph.initializers) == 1
    x = np.ones((2, 64), dtype=np.float32)
    np.testing.assert_allclose(answer(model, x), 2 * x @ WEIGHT, rtol=2e-3, atol=2e-3)


def test_weights_take_half_of_the_bytes_and_answers_stay_within_their_rounding() -> None:
    model, x = twice(WEIGHT, -2 * WEIGHT), np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    before, size = answer(model, x), len(ir.to_proto(model).SerializeToString())
    compact(model)
    assert len(ir.to_proto(model).SerializeToString()) < 0.55 * size
    assert {value.dtype for value in model.graph.initializers.values()} == {ir.DataType.FLOAT16}
    after = answer(model, x)
    np.testing.assert_allclose(after, before, atol=64 * np.abs(WEIGHT).max() * np.abs(x).max() * 3 / 2048)
    assert (after != before).any()


def test_deep_pointwise_convolutions_take_a_byte_a_weight_and_are_right_to_half_a_step_of_each_channel() -> None:
    rng = np.random.default_rng(2)
    weight = (rng.normal(size=(640, 64, 1, 1)) * np.geomspace(0.01, 100, 640)[:, None, None, None]).astype(np.float32)
    weight[5] = 0
    x = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["n", 64, 3, 3]))
    kernel = ir.Value(
        name="w",
        type=ir.TensorType(ir.DataType.FLOAT),
        shape=ir.Shape(weight.shape),
        const_value=ir.tensor(weight, name="w"),
    )
    product = ir.node("Conv", [x, kernel])
    product.outputs[0].name, product.outputs[0].type = "y", ir.TensorType(ir.DataType.FLOAT)
    product.outputs[0].shape = ir.Shape(["n", 640, 3, 3])
    graph = ir.Graph([x], product.outputs, nodes=[product], initializers=[kernel], opset_imports={"": 18}, name="g")
    model = ir.Model(graph, ir_version=10)
    compact(model)
    assert {value.dtype for value in model.graph.initializers.values()} == {ir.DataType.INT8, ir.DataType.FLOAT}
    assert len(ir.to_proto(model).SerializeToString()) < 0.35 * weight.nbytes
    each = np.eye(64, dtype=np.float32).reshape(64, 64, 1, 1) * np.ones((1, 1, 3, 3), dtype=np.float32)
    found = answer(model, each)[:, :, 1, 1].T  # one input channel at a time: the weights themselves
    step = np.abs(weight[:, :, 0, 0]).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - weight[:, :, 0, 0]) <= 0.501 * step).all()
    assert (found != weight[:, :, 0, 0]).any()
