"""Images decoded once: whole, square, grey, 8 bit; Arrow IPC files that are mapped into memory or streamed (ADR 8).

cache/index.json        what is inside, and what could not be read; written last, so it means "complete"
cache/00000.arrow ...   one record batch each: source, image_id, pixels (side * side bytes, row by row)
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Int, UInt8
from pyarrow import ipc

from pneumoscope.core import ConfigError, InputError

FORMAT = "1"
INDEX = "index.json"
KEY = b"pneumoscope"


def shard_schema(side_px: int, metadata: dict[str, Any]) -> pa.Schema:
    """Columns of a shard, and what it was made of."""
    fields = [("source", pa.string()), ("image_id", pa.string()), ("pixels", pa.binary(side_px * side_px))]
    return pa.schema(fields, {KEY: json.dumps(metadata).encode()})


def pixels_of(batch: pa.RecordBatch, side_px: int) -> UInt8[np.ndarray, "n side side"]:
    """Return the batch's images, without a copy."""
    buffer = batch.column("pixels").buffers()[1]
    images: UInt8[np.ndarray, "n side side"] = np.frombuffer(buffer, np.uint8, batch.num_rows * side_px**2).reshape(
        batch.num_rows, side_px, side_px
    )
    return images


def read_index(folder: Path) -> dict[str, Any]:
    """Return the index of a complete cache.

    Raises:
        ConfigError: There is no cache, it is half-written, or of another format.
    """
    if not (folder / INDEX).is_file():
        shards = len(list(folder.glob("*.arrow")))
        found = f"{shards} shards without an index: half-written, run `pneumoscope data cache` again to finish it"
        raise ConfigError(f"expected an image cache at {folder}, found {found if shards else 'none'}")
    return _checked(json.loads((folder / INDEX).read_text()), str(folder))


def _checked(index: dict[str, Any], place: str) -> dict[str, Any]:
    if index.get("format") != FORMAT:
        raise ConfigError(f"{place}: expected an image cache of format {FORMAT}, found {index.get('format')}")
    return index


@dataclass(frozen=True)
class ImageCache:
    """A complete cache on a disk, mapped into memory: opening costs nothing, an image costs its bytes.

    Picklable, so that each worker of a data loader maps the files itself.

    Attributes:
        folder: Where it lies.
    """

    folder: Path

    def __post_init__(self) -> None:
        missing = [name for name in self.index["shards"] if not (self.folder / name).is_file()]
        if missing:
            raise ConfigError(f"{self.folder}: expected shards {', '.join(missing)}, found none of them")

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    @cached_property
    def index(self) -> dict[str, Any]:
        """What the cache holds: side, images, shards, problems, the manifest's hash."""
        return read_index(self.folder)

    @cached_property
    def _batches(self) -> list[pa.RecordBatch]:
        return [_map_batch(self.folder / name) for name in self.index["shards"]]

    @cached_property
    def _shards(self) -> list[UInt8[np.ndarray, "n side side"]]:
        return [pixels_of(batch, self.side_px) for batch in self._batches]

    @cached_property
    def _starts(self) -> Int[np.ndarray, " shards"]:
        return np.cumsum([0, *(len(shard) for shard in self._shards)])

    @property
    def side_px(self) -> int:
        """Width and height of every image."""
        return int(self.index["side_px"])

    def __len__(self) -> int:
        return int(self.index["images"])

    def __getitem__(self, position: int) -> UInt8[np.ndarray, "side side"]:
        """One image, read-only, straight from the mapped file."""
        if not 0 <= position < len(self):
            raise IndexError(f"expected an image from 0 to {len(self) - 1}, got {position}")
        shard = int(np.searchsorted(self._starts, position, side="right")) - 1
        image: UInt8[np.ndarray, "side side"] = self._shards[shard][position - self._starts[shard]]
        return image

    @cached_property
    def keys(self) -> pd.MultiIndex:
        """(source, image_id) of each image, in order."""
        table = pa.Table.from_batches([batch.select(["source", "image_id"]) for batch in self._batches])
        return pd.MultiIndex.from_frame(table.to_pandas())

    def positions(self, manifest: pd.DataFrame) -> Int[np.ndarray, " n"]:
        """Where each row's image is.

        Raises:
            InputError: An image is not in the cache.
        """
        found = self.keys.get_indexer(pd.MultiIndex.from_frame(manifest[["source", "image_id"]]))
        if (found < 0).any():
            absent = manifest["image_id"][found < 0]
            raise InputError(
                f"{self.folder}: expected all {len(manifest)} images of the manifest, found {len(absent)} not cached, "
                f"such as {absent.iloc[0]}"
            )
        positions: Int[np.ndarray, " n"] = np.asarray(found)
        return positions


def _map_batch(path: Path) -> pa.RecordBatch:
    try:
        return ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: expected a shard of an image cache, found a damaged file ({error})") from None


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """One shard's images with their names, in order."""

    keys: pd.DataFrame
    images: UInt8[np.ndarray, "n side side"]


def stream_cache(uri: str) -> Iterator[Shard]:
    """Yield a cache's shards one after the other, from a folder or object storage (`s3://`, `gs://`, `file://`).

    Raises:
        ConfigError: The place is no cache, or of a kind that pyarrow does not know.
        InputError: A shard is absent or damaged.
    """
    from pyarrow import fs

    try:
        files, root = fs.FileSystem.from_uri(uri)
        with files.open_input_file(f"{root}/{INDEX}") as file:
            index = _checked(json.loads(file.read()), uri)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigError(f"expected an image cache at {uri}, found none ({error})") from None
    for name in index["shards"]:
        try:
            with files.open_input_file(f"{root}/{name}") as file:
                batch = ipc.open_file(file).get_batch(0)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{uri}/{name}: expected a shard of an image cache, found {error}") from None
        yield Shard(batch.select(["source", "image_id"]).to_pandas(), pixels_of(batch, int(index["side_px"])))
