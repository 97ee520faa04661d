"""The manifest: one table for every source, a row an image."""

import hashlib

import pandas as pd

# 1 present, 0 absent, NaN not labelled. The order is the NIH paper's (Wang et al., CVPR 2017, table 1, and the
# six findings added with ChestX-ray14).
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)

# Radiologists' reading of NIH images, never mixed with the text-mined NIH labels.
RSNA_CLASSES = {"Lung Opacity": "rsna_opacity", "Normal": "rsna_normal"}


def manifest_sha256(manifest: pd.DataFrame) -> str:
    """SHA-256 of the table as CSV in image order, paths left out: the same on every machine."""
    table = manifest.drop(columns="path").sort_values(["source", "image_id"])
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
