"""From the pixel grid that is stored to the upright one with square pixels that is read and shown, and back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import pneumoscope` and `pneumoscope --help` do without NumPy
    import numpy as np
    from jaxtyping import Float, Shaped

    Points = Float[np.ndarray, "n 2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How a stored image was made upright: stretched to square pixels, then transposed, mirrored, turned upside down.

    Points are (column, row) in pixels, the origin at the outer corner of the first pixel, so that the centre of that
    pixel is (0.5, 0.5), as in DICOM's graphic annotations (PS3.3 C.10.5.1.2, PIXEL).

    Attributes:
        stored_shape: Rows and columns of the stored image.
        shape: Rows and columns of the upright image.
        pixel_aspect: Height and width of a stored pixel as a ratio of whole numbers, (1, 1) where it is square.
        transposed: Rows became columns.
        mirrored: Then left and right were exchanged.
        inverted: Then top and bottom were exchanged.
        oriented: The header says which side is which: the patient's left is now on the right, the feet at the bottom.
    """

    stored_shape: tuple[int, int]
    shape: tuple[int, int]
    pixel_aspect: tuple[int, int] = (1, 1)
    transposed: bool = False
    mirrored: bool = False
    inverted: bool = False
    oriented: bool = False

    @classmethod
    def unchanged(cls, shape: tuple[int, ...]) -> "Geometry":
        """Return the geometry of an image that is read as it is stored."""
        rows, columns = shape
        return cls(stored_shape=(rows, columns), shape=(rows, columns))

    @property
    def is_turned(self) -> bool:
        """Whether the image is shown mirrored or turned against how it is stored."""
        return self.transposed or self.mirrored or self.inverted

    @property
    def is_unchanged(self) -> bool:
        """Whether the upright grid is the stored one."""
        return not self.is_turned and self.shape == self.stored_shape

    @property
    def patient_orientation(self) -> tuple[str, str] | None:
        """The patient's directions of the upright rows and columns; None where the header does not say them."""
        return ("L", "F") if self.oriented else None

    @property
    def rotation_and_flip(self) -> tuple[int, bool]:
        """Clockwise rotation in degrees, and whether a horizontal flip follows, that make the stored image upright.

        Source:
            PS3.3 C.10.6 (Spatial Transformation: Image Rotation, then Image Horizontal Flip).
        """
        if self.transposed:  # a transposition is a quarter turn clockwise and a flip
            return (270 if self.inverted else 90), self.mirrored == self.inverted
        return (180 if self.inverted else 0), self.mirrored != self.inverted

    def turn(self, pixels: 'Shaped[np.ndarray, "h w"]') -> 'Shaped[np.ndarray, "a b"]':
        """Return the pixels transposed and flipped, not stretched."""
        import numpy as np

        turned = pixels.T if self.transposed else pixels
        turned = turned[:, ::-1] if self.mirrored else turned
        return np.ascontiguousarray(turned[::-1] if self.inverted else turned)

    def to_upright(self, points: "Points") -> "Points":
        """Return where points of the stored image are in the upright one."""
        import numpy as np

        rows, columns = self.stored_shape
        placed = points / np.array([columns, rows], dtype=float)  # shares of width and height
        placed = placed[:, ::-1] if self.transposed else placed
        placed = np.where([self.mirrored, self.inverted], 1.0 - placed, placed)
        return np.asarray(placed * np.array(self.shape[::-1], dtype=float))

    def to_stored(self, points: "Points") -> "Points":
        """Return where points of the upright image are in the stored one."""
        import numpy as np

        rows, columns = self.stored_shape
        placed = points / np.array(self.shape[::-1], dtype=float)
        placed = np.where([self.mirrored, self.inverted], 1.0 - placed, placed)
        placed = placed[:, ::-1] if self.transposed else placed
        return np.asarray(placed * np.array([columns, rows], dtype=float))
