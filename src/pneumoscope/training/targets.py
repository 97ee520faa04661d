"""What the model is asked to say of each training image: the label rule, in one place.

The NIH label is text-mined and weak; RSNA's radiologists read some of the same images. The target of an NIH image
is `w * opacity + (1 - w) * nih_pneumonia`, where `opacity` is the radiologists' Lung Opacity (1 or 0) where they read
the image, and otherwise the share of Lung Opacity that they found among images with the same NIH findings (a
logistic regression over the read images of patients that are not held out). Kermany's target is its label; that of an
image without one, as RSNA's own, is the radiologists' class. Images of `rsna_normal` are of one class and one route of
copies: they teach the other heads, never this one.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS

# Columns of the target matrix: the shipped label, the 14 NIH findings, RSNA's and Google's radiologists' opacity.
TARGETS = ("Pneumonia", *(f"nih_{finding}" for finding in FINDINGS), "opacity", "airspace")


def target_matrix(
    manifest: pd.DataFrame, labels: pd.DataFrame, *, airspace: Float[np.ndarray, " n"], opacity_weight: float
) -> Float[np.ndarray, "n targets"]:
    """Return targets in the order of `TARGETS`; NaN where an image is not labelled for one."""
    shipped = pneumonia_target(manifest, labels, opacity_weight=opacity_weight)
    findings = manifest[list(FINDINGS)].to_numpy(dtype=np.float32, copy=True)
    findings[(manifest["source"] == "kermany").to_numpy()] = np.nan
    opacity = manifest["rsna_opacity"].to_numpy(dtype=np.float32)
    return np.column_stack([shipped, findings, opacity, airspace]).astype(np.float32)


def pneumonia_target(
    manifest: pd.DataFrame, labels: pd.DataFrame, *, opacity_weight: float
) -> Float32[np.ndarray, " n"]:
    """Return a soft target in [0, 1] for each manifest row; NaN where the image teaches other heads only.

    Args:
        manifest: Rows to label; needs `source`, `split`, the findings and `rsna_opacity`.
        labels: NIH findings and RSNA classes of all images (no pixels needed); held-out patients are left out here.
        opacity_weight: Weight of the radiologists' class beside the NIH label, in [0, 1].
    """
    label, nih = manifest["Pneumonia"].fillna(manifest["rsna_opacity"]), manifest["source"] == "nih"
    if opacity_weight > 0:
        opacity = _opacity(manifest, labels)
        label = label.where(~nih, opacity_weight * opacity + (1 - opacity_weight) * label)
    target: Float32[np.ndarray, " n"] = label.to_numpy(dtype=np.float32, copy=True)
    target[(manifest["source"] == "rsna_normal").to_numpy()] = np.nan
    return target


def _opacity(manifest: pd.DataFrame, labels: pd.DataFrame) -> "pd.Series[float]":
    """Return radiologists' Lung Opacity of each row; where they did not read it, a prediction from its findings."""
    from sklearn.linear_model import LogisticRegression

    held_out = set(manifest.loc[manifest["split"] != "train", "patient_id"])
    if labels["rsna_opacity"].nunique() < 2:
        raise ConfigError(
            "opacity_weight: expected images that RSNA's radiologists read in the manifest, found none of one class; "
            "0 takes the label alone"
        )
    read = labels[labels["rsna_opacity"].notna() & ~labels["patient_id"].isin(held_out)]
    columns = list(FINDINGS)
    by_findings = LogisticRegression(max_iter=1000).fit(read[columns], read["rsna_opacity"])
    # Findings are NaN in sources that do not label them; what is predicted there is not used.
    expected = by_findings.predict_proba(manifest[columns].fillna(0))[:, 1]
    return manifest["rsna_opacity"].fillna(pd.Series(expected, index=manifest.index))
