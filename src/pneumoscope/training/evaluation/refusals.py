"""How well the guard works: what it refuses wrongly, and what it catches."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8

from pneumoscope.core import UnreadableError
from pneumoscope.evaluation import Node, Tree
from pneumoscope.image import prepare
from pneumoscope.intake import find_images, read_radiograph
from pneumoscope.model import Artifact
from pneumoscope.training.evaluation.shares import share
from pneumoscope.training.export.export import run_graph

Images = UInt8[np.ndarray, "n size size"]

# Test films of a cohort that are changed in each way, drawn at random where it has more: its interval is narrow enough.
LARGEST_SAMPLE = 200


def _noise(images: Images) -> Images:
    return np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)


def _natural(images: Images) -> Images:
    """Return noise with a natural image's spectrum, amplitude falling as 1/f (Field, J. Opt. Soc. Am. A 4, 1987)."""
    count, size, _ = images.shape
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1
    rng = np.random.default_rng(0)
    spectrum = np.fft.fft2(rng.standard_normal((count, size, size))) / frequency
    pictures = np.fft.ifft2(spectrum).real
    low, high = np.percentile(pictures, [1, 99], axis=(1, 2), keepdims=True)
    grey: Images = (np.clip((pictures - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return grey


PERTURBATIONS: dict[str, Callable[[Images], Images]] = {
    "rotated by 90 degrees": lambda images: np.rot90(images, 1, (1, 2)),
    "rotated by 180 degrees": lambda images: np.rot90(images, 2, (1, 2)),
    "rotated by 270 degrees": lambda images: np.rot90(images, 3, (1, 2)),
    "inverted": lambda images: 255 - images,
    "noise": _noise,
    "natural spectrum (1/f)": _natural,
}


def guard_evidence(artifact: Artifact, rows: pd.DataFrame, images: Images, data: Path | None) -> Tree:
    """Return the share of a cohort's images refused wrongly and, for test images, of changed ones refused rightly.

    Args:
        artifact: The model whose guard is asked.
        rows: The cohort's images, with `distance`.
        images: The same, prepared.
        data: Folder of the data sets, for films of other kinds; None to leave these out.
    """
    limit, patient = artifact.card.guard.limit, rows["patient_id"].to_numpy()
    evidence: dict[str, Node] = {
        "limit": limit,
        "rule": artifact.card.guard.rule,
        "refused": share(rows["distance"].to_numpy() > limit, patient),
    }
    if (rows["split"] != "test").any():
        return evidence
    drawn = np.sort(np.random.default_rng(0).permutation(len(images))[:LARGEST_SAMPLE])
    evidence["caught"] = {
        name: share(_distances(artifact, np.ascontiguousarray(change(images[drawn]))) > limit, patient[drawn])
        for name, change in PERTURBATIONS.items()
    }
    return evidence if data is None else {**evidence, "other_films": other_films(artifact, data / "dicom")}


def other_films(artifact: Artifact, folder: Path) -> dict[str, Node]:
    """Ask the guard alone, headers ignored, about every DICOM file with one grey frame under a folder."""
    films: dict[str, Node] = {}
    for source in find_images([folder] if folder.is_dir() else []):
        try:
            radiograph = read_radiograph(source)
        except UnreadableError:
            continue  # said by `read`; the guard has nothing to look at
        if radiograph.pixels is None:
            continue
        distance = float(_distances(artifact, _quantised(radiograph.pixels, artifact))[0])
        name = Path(source.path).relative_to(folder).with_suffix("").as_posix()
        films[name] = {"distance": distance, "refused": distance > artifact.card.guard.limit}
    return films


def _quantised(pixels: Float32[np.ndarray, "h w"], artifact: Artifact) -> Images:
    array: Images = np.round((prepare(pixels, artifact.card.recipe).array + 1) * 127.5).astype(np.uint8)
    return array


def _distances(artifact: Artifact, images: Images) -> Float32[np.ndarray, " n"]:
    return run_graph(artifact.onnx, artifact.card, images).distance
