"""Validation by members: each film is judged by those that have not seen its patient.

Members that are trained on different parts of the patients leave no film of training or validation without a member
that has not seen it, so that thresholds and limits rest on all of them. What is chosen for single members serves the
average of all, whose answers scatter less.

Source:
    Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015, section 2 (cross-conformal predictors); Barber et
    al., Annals of Statistics 49(1), 2021, section 3 (what an average of members keeps of it).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime
import pandas as pd
import torch
from jaxtyping import Bool, Float32, Int, UInt8

from pneumoscope.core import ArtifactError
from pneumoscope.model import LUNGS, MEMBER_OUTPUTS
from pneumoscope.reading import Outputs
from pneumoscope.training.augmentation import augment
from pneumoscope.training.config import Augmentation, TrainingConfig
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.loading import deal
from pneumoscope.training.populations import populations


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """Which members have not seen each row's patient, and which of them answer for it.

    Attributes:
        by: The patient is on the member's validation side.
        answering: So, and the member is for the row's population.
    """

    by: Bool[np.ndarray, "n members"]
    answering: Bool[np.ndarray, "n members"]

    def of(self, rows: Int[np.ndarray, " k"]) -> "Unseen":
        """Return the part for the rows at these places."""
        return Unseen(self.by[rows], self.answering[rows])

    def answered(self) -> Int[np.ndarray, " k"]:
        """Return the places of the rows that some member may be asked about."""
        return np.flatnonzero(self.answering.any(axis=1))


def unseen(manifest: pd.DataFrame, members: Sequence[TrainingConfig]) -> Unseen:
    """Return which members have not seen each row, and which of them answer; none for held-out test patients."""
    group = populations(manifest)
    by = np.column_stack([(deal(manifest, member)["split"] == "val").to_numpy() for member in members])
    meant = np.column_stack([np.isin(group, member.populations) for member in members])
    return Unseen(by, by & meant)


@dataclass(frozen=True, slots=True, eq=False)
class MemberOutputs:
    """What the graph says of a batch, member by member; see `reading.Outputs`."""

    logit: Float32[np.ndarray, "n members"]
    cam: Float32[np.ndarray, "n members y x"]
    distance: Float32[np.ndarray, "n members"]
    embedding: Float32[np.ndarray, "n features"]
    lungs: Float32[np.ndarray, "n 1 rows columns"] | None

    def held_out(self, which: Unseen) -> Outputs:
        """Return for each image the mean of the members that have not seen it and answer for it, as the only column.

        The distance is that of all members that have not seen the image, put together as in the graph.
        """
        answering = (which.answering / which.answering.sum(axis=1, keepdims=True)).astype(np.float32)
        judging = (which.by / which.by.sum(axis=1, keepdims=True)).astype(np.float32)
        return Outputs(
            _mean(self.logit, answering)[:, None],
            _mean(self.cam, answering)[:, None],
            self.embedding,
            np.sqrt(_mean(self.distance**2, judging)),
            self.lungs,
        )


def member_outputs(graph: bytes, images: UInt8[np.ndarray, "n size size"]) -> MemberOutputs:
    """Return each member's outputs for prepared images, by a graph that is sealed or not.

    Raises:
        ArtifactError: The graph does not tell its members apart.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    there = {output.name for output in session.get_outputs()}
    if missing := [name for name in MEMBER_OUTPUTS if name not in there]:
        raise ArtifactError(f"expected a graph with outputs {', '.join(MEMBER_OUTPUTS)}, missing {missing}")
    names = [*MEMBER_OUTPUTS, "embedding", *([LUNGS] if LUNGS in there else [])]
    batches = (unit(torch.from_numpy(part)[:, None]).numpy() for part in in_batches(images))
    parts = [session.run(names, {session.get_inputs()[0].name: batch}) for batch in batches]
    logit, cam, distance, embedding, *lungs = (np.concatenate(part) for part in zip(*parts, strict=True))
    return MemberOutputs(logit, cam, distance, embedding, lungs[0] if lungs else None)


def acquired_otherwise(
    images: UInt8[np.ndarray, "n size size"], strength: Augmentation, *, seed: int = 0
) -> UInt8[np.ndarray, "n size size"]:
    """Return the films as another detector, operator or copyist might give them, drawn as in training; nothing hidden.

    Limits that are to hold elsewhere are chosen on both.

    Source:
        Tomani et al., CVPR 2021, section 4.2 (perturb the validation images before calibration).
    """
    shown = replace(strength, erase=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = [
            augment(unit(torch.from_numpy(part)[:, None]), shown, size_px=images.shape[-1])
            for part in in_batches(images)
        ]
    levels: UInt8[np.ndarray, "n size size"] = ((torch.cat(parts)[:, 0] + 1) * 127.5).round().byte().numpy()
    return levels


def _mean(values: Float32[np.ndarray, "n members ..."], share: Float32[np.ndarray, "n members"]) -> np.ndarray:
    """Return each row's mean over members, weighted by their share."""
    mean: np.ndarray = np.einsum("nm,nm...->n...", share, values)
    return mean
