"""PNG and JPEG files of every kind that research data sets hold."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.core import Format, Radiograph, UnreadableError
from pneumoscope.intake import read_radiograph

Write = Callable[[bytes], Path]


@pytest.fixture
def grey8(gradient: np.ndarray) -> np.ndarray:
    """The gradient in 8 bits."""
    return (gradient >> 4).astype(np.uint8)


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, **{"format": "PNG", **options})
    return file.getvalue()


def read(content: bytes, write: Write) -> Radiograph:
    radiograph = read_radiograph(write(content))
    assert radiograph.header is None
    return radiograph


def levels(radiograph: Radiograph) -> np.ndarray:
    assert radiograph.pixels is not None
    assert radiograph.pixels.dtype == np.float32
    return np.rint(radiograph.pixels * 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_8_bit_grey_in_any_mode_keeps_its_scale(mode: str, grey8: np.ndarray, write: Write) -> None:
    radiograph = read(saved(Image.fromarray(grey8).convert(mode)), write)
    assert (levels(radiograph) == grey8).all()
    assert radiograph.format is Format.PNG


def test_16_bit_grey_goes_from_its_smallest_to_its_largest_value(gradient: np.ndarray, write: Write) -> None:
    radiograph = read(saved(Image.fromarray(gradient)), write)
    assert radiograph.pixels is not None
    expected = (gradient - gradient.min()) / np.ptp(gradient)
    assert np.abs(radiograph.pixels - expected).max() < 1e-6
    assert radiograph.steps[-1] == f"range: {gradient.min()} to {gradient.max()}"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_jpeg_is_read(mode: str, grey8: np.ndarray, write: Write) -> None:
    radiograph = read(saved(Image.fromarray(grey8).convert(mode), format="JPEG", quality=95), write)
    assert np.abs(levels(radiograph) - grey8).max() <= 4
    assert radiograph.format is Format.JPEG


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_coloured_image_has_no_pixels(mode: str, kind: str, grey8: np.ndarray, write: Write) -> None:
    if (mode, kind) == ("CMYK", "PNG"):
        kind = "JPEG"
    colour = np.stack([grey8, grey8.T[:1].repeat(40, 0).repeat(2, 1)[:, :48], 255 - grey8], axis=-1)
    assert read(saved(Image.fromarray(colour).convert(mode), format=kind), write).pixels is None


def test_transparency_is_laid_on_black_and_said_so(grey8: np.ndarray, write: Write) -> None:
    alpha = np.full_like(grey8, 255)
    alpha[:10] = 0
    radiograph = read(saved(Image.merge("LA", [Image.fromarray(grey8), Image.fromarray(alpha)])), write)
    assert (levels(radiograph)[:10] == 0).all()
    assert (levels(radiograph)[10:] == grey8[10:]).all()
    assert "alpha: composited on black" in radiograph.steps


def test_an_opaque_alpha_is_ignored_and_said_so(grey8: np.ndarray, write: Write) -> None:
    assert "alpha: opaque, ignored" in read(saved(Image.fromarray(grey8).convert("RGBA")), write).steps


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_exif_orientation_is_applied_and_said_so(kind: str, grey8: np.ndarray, write: Write) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    radiograph = read(saved(Image.fromarray(grey8), format=kind, exif=exif, quality=100), write)
    assert np.abs(levels(radiograph) - np.rot90(grey8, -1)).max() <= 3
    assert radiograph.steps[0] == "EXIF orientation: 6 applied"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_a_truncated_file_is_unreadable(kind: str, share: float, grey8: np.ndarray, write: Write) -> None:
    content = saved(Image.fromarray(grey8), format=kind)
    with pytest.raises(UnreadableError):
        read(content[: int(len(content) * share)], write)


def test_a_png_bomb_is_refused_by_its_header(write: Write) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = chunk(b"IHDR", (40_000).to_bytes(4) * 2 + b"\x08\x00\x00\x00\x00")
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(UnreadableError, match="40000 x 40000"):
        read(bomb, write)


def test_a_jpeg_bomb_is_refused_by_its_header(grey8: np.ndarray, write: Write) -> None:
    content = bytearray(saved(Image.fromarray(grey8), format="JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = (40_000).to_bytes(2) * 2
    with pytest.raises(UnreadableError, match="40000 x 40000"):
        read(bytes(content), write)


def test_the_content_tells_the_format_not_the_name(grey8: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(saved(Image.fromarray(grey8)))
    assert read_radiograph(str(path)).format is Format.PNG
