"""PNG and JPEG files, for research: grey values without a header."""

import io
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from pneumoscope.core import Format, Radiograph, UnreadableError
from pneumoscope.intake.codestream import describe_jpeg
from pneumoscope.intake.faults import third_party
from pneumoscope.intake.limits import MAX_PIXELS
from pneumoscope.intake.ranges import robust_range

if TYPE_CHECKING:
    from PIL.Image import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"

_OPAQUE = 255
_EXIF_ORIENTATION = 0x0112


def read_raster(content: bytes, *, path: str, kind: Format) -> Radiograph:
    """Return the image in a PNG or JPEG file; `pixels` is None where it is coloured.

    Grey is 8 or 16 bits, or colour whose channels are equal. 8-bit values keep their scale, 0 black and 255
    white; 16-bit values, often 12 bits in 16, have the range of the image proper (`robust_range`). Transparent images
    are laid on black, and the EXIF orientation is applied.

    Raises:
        UnreadableError: It is damaged, cut off, or larger than `MAX_PIXELS`.
    """
    from PIL import Image, ImageOps

    _refuse_bomb(content, path=path, kind=kind)
    steps: list[str] = []
    with third_party("pixel_data", expected=f"a whole {kind} image", path=path):
        with Image.open(io.BytesIO(content), formats=(kind,)) as image:
            image.load()
            turned = ImageOps.exif_transpose(image)
            orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        if turned.size != image.size or orientation != 1:
            steps.append(f"EXIF orientation: {orientation} applied")
        pixels = _grey(turned, steps)
    return Radiograph(path=path, format=kind, header=None, pixels=pixels, steps=tuple(steps))


def _refuse_bomb(content: bytes, *, path: str, kind: Format) -> None:
    if kind is Format.JPEG:
        frame = describe_jpeg(content, path=path)
        columns, rows = frame.columns, frame.rows
    else:
        # The first chunk is IHDR, which begins with width and height (PNG 3rd edition, 11.2.1).
        columns, rows = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if rows * columns > MAX_PIXELS:
        expected = f"at most {MAX_PIXELS:,} pixels"
        raise UnreadableError("size", expected=expected, found=f"{columns} x {rows}", path=path)


def _grey(image: "Image", steps: list[str]) -> Float32[np.ndarray, "h w"] | None:
    steps.append(f"stored values: mode {image.mode}")
    if image.mode.startswith("I") or image.mode == "F":
        return _from_wide(np.asarray(image), steps)
    if "A" in image.getbands() or "transparency" in image.info:
        image = _on_black(image.convert("RGBA"), steps)
    if image.mode not in {"1", "L"}:
        colour = np.asarray(image.convert("RGB"))
        if (colour != colour[..., :1]).any():
            return None
        steps.append("colour channels: equal, one taken")
        return _from_bytes(colour[..., 0])
    return _from_bytes(np.asarray(image.convert("L")))


def _on_black(image: "Image", steps: list[str]) -> "Image":
    from PIL import Image

    opaque = image.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE)
    steps.append("alpha: opaque, ignored" if opaque else "alpha: composited on black")
    if opaque:
        return image.convert("RGB")
    black = Image.new("RGBA", image.size, (0, 0, 0, _OPAQUE))
    return Image.alpha_composite(black, image).convert("RGB")


def _from_bytes(values: np.ndarray) -> Float32[np.ndarray, "h w"]:
    return np.take(np.arange(256, dtype=np.float32) / np.float32(255), values)


def _from_wide(values: np.ndarray, steps: list[str]) -> Float32[np.ndarray, "h w"]:
    occurring, counts = np.unique(values, return_counts=True)
    low, high, beyond = robust_range(occurring.astype(np.float64), counts)
    clipped = f", {beyond:,} pixels outside it clipped, of {occurring[0]:g} to {occurring[-1]:g}" if beyond else ""
    steps.append(f"range: {low:g} to {high:g}{clipped}")
    scaled = (values.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1))
    return np.clip(scaled, 0.0, 1.0) if beyond else scaled
