"""Evidence on the activation map beyond where it points: beside other methods, faithful or not, learnt or not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Shaped, UInt8
from torch import Tensor

from pneumoscope.core import ConfigError, Population
from pneumoscope.evaluation import Leaf, Node, NotEstimable, Tree, estimate
from pneumoscope.model import Artifact
from pneumoscope.reading import Outputs, agreement, upsampled
from pneumoscope.stats import clustered_mean
from pneumoscope.training.evaluation.faithfulness import CURVES, curve_areas
from pneumoscope.training.evaluation.saliency import finer_layer, grad_cam, occlusion
from pneumoscope.training.evaluation.sanity import CASCADE, rank_correlation, shuffled_graph
from pneumoscope.training.evaluation.shares import share
from pneumoscope.training.export.ensemble import Seen
from pneumoscope.training.export.export import run_graph
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.network import OUTPUTS, Network
from pneumoscope.training.radiologists import Boxes
from pneumoscope.training.runs import Run, load_network

Images = UInt8[np.ndarray, "n size size"]
Maps = Float[np.ndarray, "n y x"]

# Boxed images on which methods are compared, drawn at random where there are more: occlusion is slow.
LARGEST_SAMPLE = 32
# What the checkpoints of the artefact's own runs may differ from it in, logits: its weights are rounded.
LARGEST_DIFFERENCE = 5e-2
_NO_RUN = "needs the checkpoints of the model's runs: evaluate --run"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxed:
    """Images of one population with radiologists' boxes: patient of each, prepared image, activation map, boxes."""

    artifact: Artifact
    patient: Shaped[np.ndarray, " n"]
    population: Population
    images: Images
    cams: Float32[np.ndarray, "n y x"]
    boxes: Boxes

    def some(self) -> "Boxed":
        """Return at most `LARGEST_SAMPLE` of the images, drawn at random."""
        drawn = np.sort(np.random.default_rng(0).permutation(len(self.images))[:LARGEST_SAMPLE])
        return Boxed(
            artifact=self.artifact,
            patient=self.patient[drawn],
            population=self.population,
            images=self.images[drawn],
            cams=self.cams[drawn],
            boxes=[self.boxes[index] for index in drawn],
        )

    def logit(self, images: Images) -> Float[np.ndarray, " n"]:
        """Return the artefact's logit for changed images."""
        return self.run(self.artifact.onnx, images).logit[:, 0].astype(np.float64)

    def run(self, graph: bytes, images: Images) -> Outputs:
        """Return the outputs of the artefact's graph, or of one like it, in the column of this population."""
        column = self.artifact.card.rules[self.population].output
        return run_graph(graph, self.artifact.card, images).answering(np.full(len(images), column))

    def score(self, images: Images) -> Float[np.ndarray, " n"]:
        """Return the probability, by the population's calibration."""
        return self.artifact.card.rules[self.population].calibration.probability(self.logit(images))

    def mean(self, value: Float[np.ndarray, " n"]) -> Leaf:
        """Return the mean over the images, with an interval clustered by patient."""
        return estimate(lambda: clustered_mean(value, cluster=self.patient))

    def share(self, hit: Bool[np.ndarray, " n"]) -> Leaf:
        """Return the share of images that are hit, with an interval by patient, also where none or all are."""
        return share(hit, self.patient)


def map_evidence(boxed: Boxed, *, runs: Sequence[Run]) -> dict[str, Node]:
    """Return the comparison of methods, the faithfulness and the sanity checks of the maps.

    Grad-CAM needs gradients, and so the artefact's runs; all else needs the artefact alone.

    Raises:
        ConfigError: The runs are not those that the artefact was sealed from.
    """
    some = boxed.some()
    return {
        "compared_images": len(some.images),
        "methods": _methods(some, runs),
        "faithfulness": _faithfulness(boxed),
        "sanity": _sanity(boxed),
    }


def _methods(boxed: Boxed, runs: Sequence[Run]) -> Tree:
    return {
        "class_activation_map": _agreement(boxed, boxed.cams),
        "grad_cam_finer_layer": _agreement(boxed, _grad_cams(boxed, runs))
        if runs
        else dict.fromkeys(("pointing", "overlap"), NotEstimable(_NO_RUN)),
        "occlusion": _agreement(boxed, occlusion(boxed.logit, boxed.images)),
    }


def _agreement(boxed: Boxed, maps: Maps) -> Tree:
    found = [agreement(one, boxes) for one, boxes in zip(maps, boxed.boxes, strict=True)]
    return {
        "pointing": boxed.share(np.array([one.hit for one in found])),
        "overlap": boxed.mean(np.array([one.overlap for one in found])),
    }


def _faithfulness(boxed: Boxed) -> Tree:
    areas = curve_areas(boxed.score, boxed.images, boxed.cams)
    deletion, insertion, at_random = areas.T
    return {
        **{name: boxed.mean(area) for name, area in zip(CURVES, areas.T, strict=True)},
        "deletion_gain": boxed.mean(at_random - deletion),
        "insertion_gain": boxed.mean(insertion - at_random),
    }


def _sanity(boxed: Boxed) -> Tree:
    found: dict[str, Node] = {}
    for name, part in CASCADE.items():
        maps = boxed.run(shuffled_graph(boxed.artifact.onnx, share=part), boxed.images).cam[:, 0]
        found[name] = {
            "rank_correlation": boxed.mean(rank_correlation(boxed.cams, maps)),
            "pointing": _agreement(boxed, maps)["pointing"],
        }
    return found


def _grad_cams(boxed: Boxed, runs: Sequence[Run]) -> Maps:
    """Return the mean of the members' Grad-CAM maps of the upright image, one layer finer than the last features.

    Raises:
        ConfigError: The runs are not those that the artefact was sealed from.
    """
    networks = [load_network(run) for run in runs if boxed.population in run.config.populations]
    batches = [unit(torch.from_numpy(part)[:, None]) for part in in_batches(boxed.images)]
    output = OUTPUTS.index(runs[0].config.ships)
    _require_own(boxed, networks, batches, output=output)
    maps = []
    for network in networks:
        layer = finer_layer(network, batches[0])
        parts = [grad_cam(network, part, output=output, layer=layer) for part in batches]
        maps.append([upsampled(one) for part in parts for one in part])
    found: Maps = np.mean(maps, axis=0)
    return found


@torch.no_grad()
def _require_own(boxed: Boxed, networks: Sequence[Network], batches: Sequence[Tensor], *, output: int) -> None:
    mirrored = bool(boxed.artifact.card.training.get("mirrored"))
    answers = [
        torch.cat([network.answer(Seen(network, mirrored=mirrored)(part))[:, output] for part in batches])
        for network in networks
    ]
    difference = np.abs(torch.stack(answers).mean(dim=0).numpy() - boxed.logit(boxed.images)).max()
    if not difference <= LARGEST_DIFFERENCE:
        raise ConfigError(
            f"expected the runs that {boxed.artifact.identity.name} {boxed.artifact.identity.version} was sealed from, "
            f"found ones whose logits differ by {difference:.2g}"
        )
