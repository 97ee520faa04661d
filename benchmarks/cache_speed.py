"""Times a random-access epoch over the image cache against decoding NIH's 1024-px PNG files, in one run, in turns.

    make benchcache        (needs PNEUMOSCOPE_DATA)

Both sides deliver 256 x 256 grey bytes in one random order, one image at a time, in one thread. Decoding is what
`pneumoscope data cache` itself does once an image: read the file as a study is read, and shrink it. Also printed:
decoding alone, without our checks and without shrinking, which is the least that any loader of these files must do.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from pneumoscope.datasets import ImageCache, build_cache, import_nih
from pneumoscope.datasets.cache_build import _square

SIDE_PX = 256
TURNS = 5


def main() -> None:
    nih = Path(os.environ.get("PNEUMOSCOPE_DATA", "../shared/data")) / "nih"
    if not nih.is_dir():
        sys.exit(f"expected the data sets, found none in {nih.parent}: set PNEUMOSCOPE_DATA")
    folders = [nih / "images-256", nih / "rsna-normal-224", nih / "images_001" / "images"]
    manifest = import_nih(nih, images=folders).manifest
    paths = manifest.loc[manifest["folder"] == "images_001/images", "path"].sample(frac=1, random_state=0).tolist()
    with tempfile.TemporaryDirectory() as scratch:
        build_cache(manifest, Path(scratch), side_px=SIDE_PX, manifest_sha256="")
        cache = ImageCache(Path(scratch))
        order = np.random.default_rng(0).permutation(len(cache)).tolist()
        sides: dict[str, Callable[[], int]] = {
            "PNG 1024, decoded": lambda: _each(paths, lambda path: np.asarray(Image.open(path).convert("L"))),
            "PNG 1024, read and shrunk": lambda: _each(paths, lambda path: np.asarray(_square(path, SIDE_PX))),
            "cache, random order": lambda: _each(order, lambda position: cache[position].copy()),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(TURNS):
            for name, side in sides.items():
                started = time.perf_counter()
                images = side()
                rates[name].append(images / (time.perf_counter() - started))
    for name, rate in rates.items():
        print(f"{name:28} {median(rate):10.1f} images a second (of {TURNS} turns: {min(rate):.1f} to {max(rate):.1f})")
    cached = median(rates["cache, random order"])
    print(f"cache against decoding alone: {cached / median(rates['PNG 1024, decoded']):.0f} times")
    print(f"cache against reading and shrinking: {cached / median(rates['PNG 1024, read and shrunk']):.0f} times")


def _each(items: list, load: Callable) -> int:
    for item in items:
        load(item)
    return len(items)


if __name__ == "__main__":
    main()
