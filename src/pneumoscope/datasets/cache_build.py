"""Building an image cache: shard by shard, each whole or absent, so that a broken run is gone on with."""

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import UInt8
from PIL import Image
from pyarrow import ipc

from pneumoscope.core import ConfigError, InputError, atomic_path
from pneumoscope.datasets.cache import FORMAT, INDEX, KEY, shard_schema
from pneumoscope.datasets.pixels import read_grey, to_bytes

# A shard of this size is held in memory while it is built, and fetched in one go from object storage.
_SHARD_BYTES = 128 * 2**20
_LEAST_SIDE_PX, _MOST_SIDE_PX = 32, 2048

Problem = dict[str, str]
Progress = Callable[[Iterable[object]], Iterator[object]]


def build_cache(
    manifest: pd.DataFrame, folder: Path, *, side_px: int, manifest_sha256: str, progress: Progress = iter
) -> list[Problem]:
    """Cache every image of the manifest that has a path; returns those that could not be read, and why.

    Each is the whole image, stretched to a square as `image.prepare` does it, in 8 bits. Shards that are there
    already and were made of the same rows are kept. The index is written last.

    Raises:
        ConfigError: No image is at hand, the side is not sensible, or the disk has not the space.
    """
    if not _LEAST_SIDE_PX <= side_px <= _MOST_SIDE_PX:
        raise ConfigError(f"cache: expected a side of {_LEAST_SIDE_PX} to {_MOST_SIDE_PX} pixels, got {side_px}")
    rows = manifest.loc[manifest["path"].notna(), ["source", "image_id", "path"]]
    if rows.empty:
        raise ConfigError(f"cache: expected images at hand, found none among {len(manifest)} rows")
    a_shard = max(1, _SHARD_BYTES // side_px**2)
    parts = [rows.iloc[start : start + a_shard] for start in range(0, len(rows), a_shard)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    todo = {place: part for place, part in enumerate(parts) if not _is_done(folder / _name(place), part, side_px)}
    _make_sure_of_space(folder, sum(map(len, todo.values())) * side_px**2)
    steps = progress(row for part in todo.values() for row in range(len(part)))
    for place, part in todo.items():
        _write_shard(folder / _name(place), part, side_px, steps)
    deque(steps, maxlen=0)
    for stale in sorted(folder.glob("*.arrow"))[len(parts) :]:
        stale.unlink()
    metadata = [_metadata(folder / _name(place)) for place in range(len(parts))]
    problems: list[Problem] = [problem for one in metadata for problem in one["problems"]]
    index = {
        "format": FORMAT,
        "side_px": side_px,
        "images": len(rows) - len(problems),
        "manifest_sha256": manifest_sha256,
        "shards": [_name(place) for place in range(len(parts))],
        "problems": problems,
    }
    with atomic_path(folder / INDEX) as target:
        target.write_text(json.dumps(index, indent=1))
    return problems


def _name(place: int) -> str:
    return f"{place:05}.arrow"


def _made_of(part: pd.DataFrame, side_px: int) -> str:
    """Return a hash of the rows, their order, their files' sizes and dates, and the side."""
    stats = [path.stat() if (path := Path(at)).is_file() else None for at in part["path"]]
    files = [(one.st_size, one.st_mtime_ns) if one else None for one in stats]
    text = json.dumps([FORMAT, side_px, part.to_numpy().tolist(), files])
    return hashlib.sha256(text.encode()).hexdigest()


def _is_done(path: Path, part: pd.DataFrame, side_px: int) -> bool:
    return path.is_file() and _metadata(path).get("made_of") == _made_of(part, side_px)


def _metadata(path: Path) -> dict[str, Any]:
    try:
        with pa.memory_map(str(path)) as file:
            found: dict[str, Any] = json.loads((ipc.open_file(file).schema.metadata or {})[KEY])
            return found
    except (pa.ArrowInvalid, OSError, KeyError, ValueError):
        return {}


def _make_sure_of_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(
            f"cache: expected {needed / 1e9:.1f} GB free in {folder}, found {free / 1e9:.1f} GB; nothing written"
        )


def _write_shard(path: Path, part: pd.DataFrame, side_px: int, steps: Iterator[object]) -> None:
    made_of = _made_of(part, side_px)
    with ThreadPoolExecutor() as pool:
        results = []
        for one in pool.map(lambda at: _square(at, side_px), part["path"]):
            results.append(one)
            next(steps, None)
    good = np.array([not isinstance(one, str) for one in results])
    problems = [
        {"image_id": image, "problem": one}
        for image, one in zip(part["image_id"], results, strict=True)
        if isinstance(one, str)
    ]
    kept = part[good]
    images = b"".join(one.tobytes() for one in results if not isinstance(one, str))
    pixels = pa.Array.from_buffers(pa.binary(side_px**2), len(kept), [None, pa.py_buffer(images)])
    names = [pa.array(kept[name].to_numpy(dtype=object), pa.string()) for name in ("source", "image_id")]
    schema = shard_schema(side_px, {"made_of": made_of, "problems": problems})
    with atomic_path(path) as target, ipc.new_file(str(target), schema) as writer:
        writer.write_batch(pa.record_batch([*names, pixels], schema=schema))


def _square(path: str, side_px: int) -> UInt8[np.ndarray, "side side"] | str:
    """Return the image, or why there is none."""
    try:
        pixels = read_grey(path)
    except (InputError, OSError) as error:
        return str(error)
    small = Image.fromarray(pixels).resize((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return to_bytes(np.asarray(small))
