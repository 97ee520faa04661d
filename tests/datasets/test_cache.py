import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets import ImageCache, build_cache, cache_build, stream_cache
from pneumoscope.image import Recipe, prepare

Rows = Callable[..., pd.DataFrame]
SIDE = 64


@pytest.fixture
def manifest(tmp_path: Path, rows: Rows, write_film: Callable[..., Path]) -> pd.DataFrame:
    """Seven films, and a row without one."""
    paths = [str(write_film(tmp_path / "films" / f"i{number}.png", number)) for number in range(7)]
    return rows(8, path=[*paths, None])


@pytest.fixture(autouse=True)
def three_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_build, "_SHARD_BYTES", 3 * SIDE**2)


def build(manifest: pd.DataFrame, folder: Path) -> list[dict[str, str]]:
    return build_cache(manifest, folder, side_px=SIDE, manifest_sha256="abc")


def test_each_image_is_found_by_its_name_as_it_would_be_decoded(
    manifest: pd.DataFrame, tmp_path: Path, film: Callable[..., np.ndarray]
) -> None:
    assert build(manifest, tmp_path / "c") == []
    cache = ImageCache(tmp_path / "c")
    assert (len(cache), cache.side_px, cache.index["manifest_sha256"]) == (7, SIDE, "abc")
    shuffled = manifest.iloc[[5, 0, 6]]
    positions = cache.positions(shuffled)
    assert positions.tolist() == [5, 0, 6]
    recipe = Recipe(size_px=32)
    for position in positions:
        from_cache = prepare(cache[int(position)].astype(np.float32) / 255, recipe).array
        from_file = prepare(film(int(position)).astype(np.float32) / 255, recipe).array
        assert np.abs(from_cache - from_file).mean() < 0.05
    with pytest.raises(InputError, match=r"1 not cached, such as i7\.png"):
        cache.positions(manifest)
    with pytest.raises(IndexError, match="from 0 to 6, got 7"):
        cache[7]


def test_a_worker_gets_the_cache_by_its_folder_alone(manifest: pd.DataFrame, tmp_path: Path) -> None:
    build(manifest, tmp_path / "c")
    cache = ImageCache(tmp_path / "c")
    sent = pickle.dumps(cache)
    assert len(sent) < 300
    assert (pickle.loads(sent)[6] == cache[6]).all()


def test_a_broken_run_is_half_written_until_it_is_gone_on_with(
    manifest: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = cache_build.read_grey

    def breaks(path: str) -> np.ndarray:
        if path.endswith("i4.png"):
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(cache_build, "read_grey", breaks)
    with pytest.raises(KeyboardInterrupt):
        build(manifest, tmp_path / "c")
    with pytest.raises(ConfigError, match="1 shards without an index: half-written"):
        ImageCache(tmp_path / "c").index  # noqa: B018
    seen: list[str] = []
    monkeypatch.setattr(cache_build, "read_grey", lambda path: seen.append(Path(path).name) or read(path))
    build(manifest, tmp_path / "c")
    assert sorted(seen) == ["i3.png", "i4.png", "i5.png", "i6.png"]
    assert len(ImageCache(tmp_path / "c")) == 7
    assert not list((tmp_path / "c").glob(".*"))


def test_a_changed_film_makes_its_shard_anew(
    manifest: pd.DataFrame, tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    build(manifest, tmp_path / "c")
    before = ImageCache(tmp_path / "c")[1].copy()
    untouched = (tmp_path / "c" / "00001.arrow").stat().st_mtime_ns
    write_film(Path(manifest["path"][1]), 99, side=90)
    build(manifest, tmp_path / "c")
    assert (ImageCache(tmp_path / "c")[1] != before).any()
    assert (tmp_path / "c" / "00001.arrow").stat().st_mtime_ns == untouched


def test_a_smaller_manifest_leaves_no_stale_shard(manifest: pd.DataFrame, tmp_path: Path) -> None:
    build(manifest, tmp_path / "c")
    build(manifest.iloc[:2], tmp_path / "c")
    assert len(ImageCache(tmp_path / "c")) == 2
    assert [path.name for path in (tmp_path / "c").glob("*.arrow")] == ["00000.arrow"]


def test_what_cannot_be_read_is_reported_and_not_cached(manifest: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("i0.png", "i1.png", "i2.png"):
        Path(manifest["path"][0]).with_name(name).write_bytes(b"torn")
    problems = build(manifest, tmp_path / "c")
    assert [problem["image_id"] for problem in problems] == ["i0.png", "i1.png", "i2.png"]
    cache = ImageCache(tmp_path / "c")
    assert len(cache) == 4
    assert cache.positions(manifest.iloc[3:7]).tolist() == [0, 1, 2, 3]
    assert build(manifest, tmp_path / "c") == problems


def test_a_cache_is_streamed_shard_by_shard(manifest: pd.DataFrame, tmp_path: Path) -> None:
    build(manifest, tmp_path / "c")
    cache = ImageCache(tmp_path / "c")
    shards = list(stream_cache((tmp_path / "c").as_uri()))
    assert [len(shard.images) for shard in shards] == [3, 3, 1]
    assert pd.concat([shard.keys for shard in shards])["image_id"].tolist() == [f"i{number}.png" for number in range(7)]
    assert (shards[1].images[2] == cache[5]).all()


def test_what_is_no_cache_is_named(manifest: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected an image cache at .* found none"):
        ImageCache(tmp_path)
    for uri in (tmp_path.as_uri(), "nothing://here"):
        with pytest.raises(ConfigError, match="expected an image cache at"):
            next(stream_cache(uri))
    build(manifest, tmp_path / "c")
    (tmp_path / "c" / "00001.arrow").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"00001\.arrow: expected a shard"):
        ImageCache(tmp_path / "c")[0]
    with pytest.raises(InputError, match=r"00001\.arrow: expected a shard"):
        list(stream_cache((tmp_path / "c").as_uri()))
    (tmp_path / "c" / "00001.arrow").unlink()
    with pytest.raises(ConfigError, match=r"expected shards 00001\.arrow"):
        ImageCache(tmp_path / "c")


def test_nothing_is_written_where_the_disk_has_not_the_space(
    manifest: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(ConfigError, match=r"GB free in .* nothing written"):
        build(manifest, tmp_path / "c")
    assert not list((tmp_path / "c").iterdir())


def test_a_manifest_without_images_or_a_senseless_side_is_refused(manifest: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found none among 8 rows"):
        build(manifest.assign(path=None), tmp_path / "c")
    with pytest.raises(ConfigError, match="expected a side of 32 to 2048 pixels, got 8"):
        build_cache(manifest, tmp_path / "c", side_px=8, manifest_sha256="")
