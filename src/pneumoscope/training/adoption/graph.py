"""ONNX graphs put together: a network's own file with our input and outputs, and the guard's distance behind any."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from jaxtyping import Float
from onnx import TensorProto, helper, numpy_helper

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.training.adoption.recipes import AdoptionRecipe
from pneumoscope.training.export.guard import GroupedGaussian

# Below it, `ReduceSum` and `Unsqueeze` have their axes elsewhere.
OLDEST_OPSET = 13
INPUT, LOGIT, CAM, EMBEDDING, DISTANCE = "image", "logit", "cam", "embedding", "distance"
# A probability this far from 0 and 1 has a logit.
_ALMOST = 1e-7
_PREFIX = "pneumoscope_"


def read_graph(path: Path) -> onnx.ModelProto:
    """Return the graph in an ONNX file, of opset 13 or later.

    Raises:
        ConfigError: The file is missing or holds no usable graph.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's and onnx's own
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}: expected an ONNX file, found {reason}") from error
    return _modern(model, path)


def _modern(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if version >= OLDEST_OPSET:
        return model
    try:
        from onnx import version_converter

        return version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as error:
        raise ConfigError(
            f"{path}: expected opset {OLDEST_OPSET} or later, found {version}, which cannot be converted: {error}"
        ) from error


def input_of(model: onnx.ModelProto, path: Path) -> tuple[str, int, int]:
    """Return name, channels and side in pixels (0 where open) of the one image input.

    Raises:
        ConfigError: The graph has several inputs, or its input is not (images, channels, rows, columns) in float32.
    """
    constants = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    if len(inputs) != 1:
        raise ConfigError(f"{path}: expected one input, an image, found {len(inputs)}: {[one.name for one in inputs]}")
    (image,) = inputs
    kind = image.type.tensor_type
    shape = [one.dim_value for one in kind.shape.dim]
    if len(shape) != 4 or shape[1] not in (1, 3) or shape[2] != shape[3] or kind.elem_type != TensorProto.FLOAT:
        raise ConfigError(
            f"{path}: expected an input of float32 (images, 1 or 3 channels, rows, as many columns), found "
            f"{TensorProto.DataType.Name(kind.elem_type)} {shape}"
        )
    return image.name, shape[1], shape[2]


def outputs_of(model: onnx.ModelProto, path: Path) -> int:
    """Return the number of answers an image: of the first output, (images, answers).

    Raises:
        ConfigError: The first output has another shape.
    """
    shape = [one.dim_value for one in model.graph.output[0].type.tensor_type.shape.dim]
    if len(shape) != 2 or shape[1] < 1:
        raise ConfigError(f"{path}: expected a first output of (images, answers), found {shape}")
    return int(shape[1])


def adapt(model: onnx.ModelProto, path: Path, recipe: AdoptionRecipe, *, output: int) -> onnx.ModelProto:
    """Return the network with grey images in [-1, 1] as input, and one answer's logit, map and embedding as outputs.

    The map is exact where the graph ends in global average pooling and a linear layer; elsewhere the logit stands in
    one place. An activation behind the linear layer is left off, since calibration takes logits.
    """
    graph = onnx.ModelProto()
    graph.CopyFrom(model)
    _feed(graph, path, recipe)
    tail = _Tail.of(graph)
    nodes = tail.answer(output)
    graph.graph.node.extend(nodes)
    graph.graph.initializer.extend(tail.constants)
    size = recipe.preprocessing.size_px
    _replace_interface(graph, size_px=size)
    return graph


def _feed(model: onnx.ModelProto, path: Path, recipe: AdoptionRecipe) -> None:
    """Put scaling from [-1, 1] in front of the network's input."""
    name, channels, _ = input_of(model, path)
    gain, offset = (
        np.array((values * channels)[:channels], np.float32)[None, :, None, None]
        for values in (recipe.gain, recipe.offset)
    )
    model.graph.initializer.extend([_constant("gain", gain), _constant("offset", offset)])
    scale = helper.make_node("Mul", [INPUT, _PREFIX + "gain"], [_PREFIX + "scaled"])
    shift = helper.make_node("Add", [_PREFIX + "scaled", _PREFIX + "offset"], [name])
    nodes = [scale, shift, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _replace_interface(model: onnx.ModelProto, *, size_px: int) -> None:
    del model.graph.input[:], model.graph.output[:]
    model.graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 1, size_px, size_px]))
    shapes: dict[str, list[str | int | None]] = {
        LOGIT: ["batch", 1],
        CAM: ["batch", 1, None, None],
        EMBEDDING: ["batch", None],
    }
    for name, shape in shapes.items():
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))


class _Tail:
    """What stands behind the last feature maps of a graph, as far as it can be told."""

    def __init__(self, model: onnx.ModelProto, logits: str, *, kind: str, linear: Any, pooled: str | None) -> None:
        self._weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self._logits, self._kind, self._linear, self._pooled = logits, kind, linear, pooled
        self.constants: list[TensorProto] = []

    @classmethod
    def of(cls, model: onnx.ModelProto) -> "_Tail":
        made = {name: node for node in model.graph.node for name in node.output}
        weights = {one.name for one in model.graph.initializer}
        name, kind = model.graph.output[0].name, "logits"
        last = made.get(name)
        if last is not None and last.op_type in ("Sigmoid", "Softmax"):
            kind, name = last.op_type, last.input[0]
            last = made.get(name)
        linear = last if last is not None and last.op_type == "Gemm" and set(last.input[1:]) <= weights else None
        pooled = None
        if linear is not None:
            before = made.get(linear.input[0])
            while before is not None and before.op_type in ("Flatten", "Reshape", "Squeeze", "Dropout", "Identity"):
                before = made.get(before.input[0])
            if before is not None and (before.op_type == "GlobalAveragePool" or _is_spatial_mean(before, model)):
                pooled = before.input[0]
        return cls(model, name, kind=kind, linear=linear, pooled=pooled)

    def answer(self, output: int) -> list[onnx.NodeProto]:
        """Return nodes that give logit, map and embedding of one output."""
        if self._linear is None:
            return self._of_logits(output, embedding=self._logits)
        row, bias = self._row(output)
        if row is None:  # softmax over more than two classes: no linear function of the embedding
            return self._of_logits(output, embedding=self._linear.input[0])
        self.constants += [_constant("row", row[:, None]), _constant("bias", bias)]
        embedding = self._linear.input[0]
        nodes = [
            helper.make_node("Identity", [embedding], [EMBEDDING]),
            helper.make_node("MatMul", [embedding, _PREFIX + "row"], [_PREFIX + "product"]),
            helper.make_node("Add", [_PREFIX + "product", _PREFIX + "bias"], [LOGIT]),
        ]
        if self._pooled is None:
            return nodes + self._one_place()
        self.constants.append(_constant("kernel", row[None, :, None, None]))
        return [*nodes, helper.make_node("Conv", [self._pooled, _PREFIX + "kernel", _PREFIX + "bias"], [CAM])]

    def _row(self, output: int) -> tuple[np.ndarray | None, np.ndarray]:
        """Return weights and bias of the logit; of two softmax classes the difference."""
        attributes = {one.name: helper.get_attribute_value(one) for one in self._linear.attribute}
        matrix = self._weights[self._linear.input[1]].astype(np.float32) * np.float32(attributes.get("alpha", 1.0))
        matrix = matrix if attributes.get("transB", 0) else matrix.T
        bias = np.zeros(len(matrix), np.float32)
        if len(self._linear.input) > 2:
            bias = bias + self._weights[self._linear.input[2]].astype(np.float32) * attributes.get("beta", 1.0)
        if self._kind == "Softmax" and len(matrix) == 2:
            other = 1 - output
            return matrix[output] - matrix[other], (bias[output] - bias[other]).astype(np.float32)[None]
        if self._kind == "Softmax":
            return None, bias
        return matrix[output], bias[output].astype(np.float32)[None]

    def _of_logits(self, output: int, *, embedding: str) -> list[onnx.NodeProto]:
        """Return nodes that take the answer from the outputs alone."""
        self.constants.append(_constant("place", np.array([output], np.int64)))
        nodes = [helper.make_node("Identity", [embedding], [EMBEDDING])]
        if self._kind != "Softmax":
            nodes.append(helper.make_node("Gather", [self._logits, _PREFIX + "place"], [LOGIT], axis=1))
            return nodes + self._one_place()
        self.constants += [
            _constant("least", np.array(_ALMOST, np.float32)),
            _constant("most", np.array(1 - _ALMOST, np.float32)),
            _constant("one", np.array(1, np.float32)),
        ]
        nodes += [
            helper.make_node("Softmax", [self._logits], [_PREFIX + "shares"], axis=1),
            helper.make_node("Gather", [_PREFIX + "shares", _PREFIX + "place"], [_PREFIX + "share"], axis=1),
            helper.make_node("Clip", [_PREFIX + "share", _PREFIX + "least", _PREFIX + "most"], [_PREFIX + "inside"]),
            helper.make_node("Sub", [_PREFIX + "one", _PREFIX + "inside"], [_PREFIX + "rest"]),
            helper.make_node("Div", [_PREFIX + "inside", _PREFIX + "rest"], [_PREFIX + "odds"]),
            helper.make_node("Log", [_PREFIX + "odds"], [LOGIT]),
        ]
        return nodes + self._one_place()

    def _one_place(self) -> list[onnx.NodeProto]:
        self.constants.append(_constant("places", np.array([2, 3], np.int64)))
        return [helper.make_node("Unsqueeze", [LOGIT, _PREFIX + "places"], [CAM])]


def _is_spatial_mean(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    if node.op_type != "ReduceMean":
        return False
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    axes = attributes.get("axes")
    if axes is None and len(node.input) > 1:
        axes = next((numpy_helper.to_array(one) for one in model.graph.initializer if one.name == node.input[1]), None)
    return axes is not None and sorted(axis % 4 for axis in axes) == [2, 3]


def append_distance(model: onnx.ModelProto, gaussian: GroupedGaussian) -> onnx.ModelProto:
    """Return the graph with the guard's distance of the embedding as another output, as `export.guard.Distance`."""
    graph = onnx.ModelProto()
    graph.CopyFrom(model)
    rest = np.float32(gaussian.rest_variance**-0.5)
    kept = (gaussian.variances**-0.5 - gaussian.rest_variance**-0.5).astype(np.float32)
    constants = [
        _constant("directions", gaussian.directions.astype(np.float32)),
        _constant("back", gaussian.directions.T.astype(np.float32)),
        _constant("kept", kept),
        _constant("rest_scale", np.array(rest)),
        _constant("features", np.array([1], np.int64)),
    ]
    nodes: list[onnx.NodeProto] = []
    squares = []
    for group, mean in enumerate(gaussian.means.astype(np.float32)):
        constants.append(_constant(f"mean{group}", mean))
        squares.append(_square_of(group, nodes))
    nodes += [
        helper.make_node("Min", squares, [_PREFIX + "nearest"]),
        helper.make_node("Sqrt", [_PREFIX + "nearest"], [DISTANCE]),
    ]
    graph.graph.node.extend(nodes)
    graph.graph.initializer.extend(constants)
    graph.graph.output.append(helper.make_tensor_value_info(DISTANCE, TensorProto.FLOAT, ["batch"]))
    return graph


def _square_of(group: int, nodes: list[onnx.NodeProto]) -> str:
    """Append the nodes of one group's squared distance, and return its name."""

    def name(step: str) -> str:
        return f"{_PREFIX}{step}{group}"

    def common(step: str) -> str:
        return _PREFIX + step

    nodes += [
        helper.make_node("Sub", [EMBEDDING, name("mean")], [name("centred")]),
        helper.make_node("MatMul", [name("centred"), common("directions")], [name("along")]),
        helper.make_node("Mul", [name("along"), common("kept")], [name("stretched")]),
        helper.make_node("MatMul", [name("stretched"), common("back")], [name("returned")]),
        helper.make_node("Mul", [name("centred"), common("rest_scale")], [name("rest")]),
        helper.make_node("Add", [name("rest"), name("returned")], [name("white")]),
        helper.make_node("Mul", [name("white"), name("white")], [name("squares")]),
        helper.make_node("ReduceSum", [name("squares"), common("features")], [name("square")], keepdims=0),
    ]
    return name("square")


def run(graph: onnx.ModelProto, images: Sequence[Float[np.ndarray, "1 size size"]], names: Sequence[str]) -> list[Any]:
    """Return the named outputs for prepared images, one image a pass.

    Raises:
        ArtifactError: ONNX Runtime cannot run the graph.
    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        parts = [session.run(list(names), {INPUT: image[None]}) for image in images]
    except Exception as error:  # the runtime's own classes
        raise ArtifactError(f"ONNX Runtime cannot run the adopted graph: {error}") from error
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _constant(name: str, values: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values), _PREFIX + name)
