"""What ships: one graph with a network a population, activation maps, guard distance and lung fields."""

import warnings
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.model import LUNGS
from pneumoscope.model import OUTPUTS as GRAPH_OUTPUTS
from pneumoscope.training.export.compact import compact, stripped
from pneumoscope.training.export.guard import Distance, GroupedGaussian
from pneumoscope.training.reader.network import ReaderNetwork


class Part(nn.Module):
    """One population's network with the outputs that ship, and its guard distance."""

    def __init__(self, network: ReaderNetwork, gaussian: GroupedGaussian, outputs: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.weight = nn.Parameter(network.head.weight[list(outputs)].detach().clone())
        self.bias = nn.Parameter(network.head.bias[list(outputs)].detach().clone())
        self.distance = Distance(gaussian)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logits, activation maps, embedding and distance."""
        maps = self.network.features(images)
        embedding = maps.mean(dim=(2, 3))
        cam = functional.conv2d(maps, self.weight[:, :, None, None], self.bias)
        return embedding @ self.weight.T + self.bias, cam, embedding, self.distance(embedding)


class ReaderGraph(nn.Module):
    """All populations' parts side by side, and lung fields; a column for each output of each part."""

    def __init__(self, parts: Sequence[Part], lungs: nn.Module | None = None) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.lungs = lungs

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, ...]:
        """Return `model.OUTPUTS` in order, then lung fields; the distance is the root mean square of the parts'."""
        logits, cams, embeddings, distances = zip(*(part(images) for part in self.parts), strict=True)
        said = (
            torch.cat(logits, dim=1),
            torch.cat(cams, dim=1),
            torch.cat(embeddings, dim=1),
            torch.stack(distances, dim=1).square().mean(dim=1).sqrt(),
        )
        return said if self.lungs is None else (*said, torch.sigmoid(self.lungs(images)))


def to_onnx(graph: ReaderGraph, size_px: int) -> bytes:
    """Return the graph in ONNX with weights in half precision; any batch size. What parts share is computed once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # torch's remark on itself
        program = torch.onnx.export(
            graph,
            (torch.zeros(2, 1, size_px, size_px),),
            dynamo=True,
            input_names=["image"],
            output_names=[*GRAPH_OUTPUTS, *([LUNGS] if graph.lungs is not None else [])],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    compact(program.model, in_bytes=False)
    return stripped(program.model_proto)
