"""Engines that run an artefact's graph: ONNX Runtime everywhere, OpenVINO where it is installed and asked for."""

import os
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int

from pneumoscope.core import ArtifactError, ConfigError, EngineName
from pneumoscope.model import LUNGS, OUTPUTS, Artifact


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What the graph says of a batch: logits, class activation maps, embeddings, distances from training images.

    `lungs` is the probability of lying in a lung, on its own grid over the input; None where the graph has none.
    """

    logit: Float32[np.ndarray, "n columns"]
    cam: Float32[np.ndarray, "n columns y x"]
    embedding: Float32[np.ndarray, "n features"]
    distance: Float32[np.ndarray, " n"]
    lungs: Float32[np.ndarray, "n 1 rows columns"] | None = None

    def answering(self, columns: Int[np.ndarray, " n"]) -> "Outputs":
        """Return each image's logit and map for its population (`DecisionRule.output`), as the only column."""
        image = np.arange(len(columns))
        return replace(self, logit=self.logit[image, columns][:, None], cam=self.cam[image, columns][:, None])

    def of(self, images: Int[np.ndarray, " k"]) -> "Outputs":
        """Return the outputs of some images, by their place in the batch."""
        lungs = None if self.lungs is None else self.lungs[images]
        return Outputs(self.logit[images], self.cam[images], self.embedding[images], self.distance[images], lungs)


class Engine(Protocol):
    """Runs one artefact; one call at a time."""

    def run(self, images: Float32[np.ndarray, "n 1 size size"]) -> Outputs:
        """Return the outputs for a batch of prepared images; any batch size."""
        ...


def open_engine(artifact: Artifact, name: EngineName = EngineName.AUTO) -> Engine:
    """Return the engine of that name, with the artefact loaded.

    Raises:
        ConfigError: OpenVINO was asked for and is not installed.
        ArtifactError: The graph cannot be loaded or lacks an output.
    """
    return _OpenVino(artifact) if name is EngineName.OPENVINO else _OnnxRuntime(artifact)


class _OnnxRuntime:
    def __init__(self, artifact: Artifact) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _cores()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(artifact.onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ArtifactError(f"{artifact.identity.name}: ONNX Runtime cannot load the graph: {error}") from error
        self._outputs = _wanted({output.name for output in self._session.get_outputs()}, artifact)
        self._input = self._session.get_inputs()[0].name

    def run(self, images: Float32[np.ndarray, "n 1 size size"]) -> Outputs:
        return Outputs(*self._session.run(self._outputs, {self._input: images}))


class _OpenVino:
    def __init__(self, artifact: Artifact) -> None:
        try:
            import openvino
        except ImportError as error:
            raise ConfigError("engine openvino: expected `pip install pneumoscope[openvino]`, found none") from error
        core = openvino.Core()
        model = core.read_model(artifact.onnx, b"")
        self._outputs = _wanted({name for output in model.outputs for name in output.names}, artifact)
        self._model = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})

    def run(self, images: Float32[np.ndarray, "n 1 size size"]) -> Outputs:
        result = self._model(images)
        return Outputs(*(np.asarray(result[name], dtype=np.float32) for name in self._outputs))


def _wanted(found: set[str], artifact: Artifact) -> list[str]:
    """Return the outputs to ask for, in the order of `Outputs`."""
    if missing := [name for name in OUTPUTS if name not in found]:
        raise ArtifactError(f"{artifact.identity.name}: expected outputs {', '.join(OUTPUTS)}, missing {missing}")
    return [*OUTPUTS, LUNGS] if LUNGS in found else list(OUTPUTS)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
