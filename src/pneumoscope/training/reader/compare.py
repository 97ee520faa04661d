"""Compare networks on the validation images that decide: `python -m pneumoscope.training.reader.compare --help`.

One line a network: AUROC of RSNA's Lung Opacity on images that nobody picked, of patients whom none of the compared
networks learnt; all, within each view, and against RSNA's normals alone.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from pneumoscope.core import PneumoscopeError, atomic_path, exit_code
from pneumoscope.datasets import ROUTES
from pneumoscope.stats import auroc_clustered
from pneumoscope.training.fused import fuse
from pneumoscope.training.images import load_cropped
from pneumoscope.training.reader.config import read_reader_config
from pneumoscope.training.reader.fit import answers
from pneumoscope.training.reader.material import TARGETS, reader_rows
from pneumoscope.training.reader.network import ReaderNetwork, mean_weights, read_weights

COLUMNS = ("network", "what", "images", "all", "PA", "AP", "against_normal", "view_told")


def main(arguments: list[str] | None = None) -> int:
    """Write the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pneumoscope.training.reader.compare", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("output", type=Path, help="the table, CSV")
    parser.add_argument(
        "networks",
        nargs="+",
        help="NAME=BACKBONE:WEIGHTS[,WEIGHTS...]:WORDS; the mean of several weights of one architecture",
    )
    chosen = parser.parse_args(arguments)
    try:
        config = read_reader_config()
        rows = reader_rows(chosen.data, split_seed=config.split_seed, continues=config.continues)
        unselected = [route.source for route in ROUTES if route.unselected]
        rows = rows[(rows["split"] == "val") & rows["source"].isin(unselected)].reset_index(drop=True)
        images, _ = load_cropped(rows["path"], config.recipe)
        lines = [_line(one, rows, images) for one in chosen.networks]
    except PneumoscopeError as error:
        print(f"pneumoscope: {error}", file=sys.stderr)
        return exit_code(error)
    with atomic_path(chosen.output) as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *lines])
    return 0


def _line(network: str, rows: pd.DataFrame, images: np.ndarray) -> list[str]:
    name, _, rest = network.partition("=")
    backbone, files, words = rest.split(":", 2)
    made = ReaderNetwork(backbone)
    made.load_state_dict(mean_weights([read_weights(Path(one), made) for one in files.split(",")]))
    fuse(made.backbone)
    everything = np.arange(len(images))
    score = answers(made, images, everything, size_px=images.shape[-1])[:, TARGETS.index("opacity")]
    return [name, words, str(len(images)), *_areas(rows, score)]


def _areas(rows: pd.DataFrame, score: Float[np.ndarray, " n"]) -> Iterator[str]:
    opaque, frontal = (rows["rsna_opacity"] == 1).to_numpy(), (rows["view"] == "AP").to_numpy()
    normal, all_rows = (rows["rsna_normal"] == 1).to_numpy(), np.arange(len(rows))
    yield _area(opaque, score, rows, all_rows)
    yield _area(opaque, score, rows, np.flatnonzero(~frontal))
    yield _area(opaque, score, rows, np.flatnonzero(frontal))
    yield _area(opaque, score, rows, np.flatnonzero(opaque | normal))
    yield _area(frontal, score, rows, np.flatnonzero(~opaque))


def _area(truth: np.ndarray, score: Float[np.ndarray, " n"], rows: pd.DataFrame, places: Int[np.ndarray, " k"]) -> str:
    found = auroc_clustered(truth[places], score[places], cluster=rows["patient_id"].to_numpy()[places])
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())
