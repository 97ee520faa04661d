"""What turns an image's values into grey, as reading applied it: for objects that must display the same."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import pneumoscope` and `pneumoscope --help` do without NumPy
    import numpy as np
    from jaxtyping import Float64


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiWindow:
    """A window on the values after the modality transform; `function` is a term of VOI LUT Function."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoiTable:
    """Grey values in [0, 1] for the input values `first`, `first` + 1, ...; beyond its ends the end entries."""

    first: int
    entries: 'Float64[np.ndarray, " n"]'


Voi = VoiWindow | VoiTable
