"""Pneumoscope: finds signs of pneumonia on frontal chest radiographs; research software, not a medical device.

    import pneumoscope

    reading = pneumoscope.read("chest.dcm")
    print(reading)
    reading.save("results")
    for reading in pneumoscope.read_many("studies"):
        print(reading.status, reading.probability)

Importing the package loads nothing else; each name below is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pneumoscope.core import PneumoscopeError as PneumoscopeError
    from pneumoscope.core import Radiograph as Radiograph
    from pneumoscope.evaluation import evaluate as evaluate
    from pneumoscope.intake import read_radiograph as load_image
    from pneumoscope.reading import Model as Model
    from pneumoscope.reading import Prediction as Prediction
    from pneumoscope.reading import load_model as load_model
    from pneumoscope.reading import read as read
    from pneumoscope.reading import read_many as read_many
    from pneumoscope.results import Reading as Reading

__version__ = "0.5.0"

__all__ = [
    "Model",
    "PneumoscopeError",
    "Prediction",
    "Radiograph",
    "Reading",
    "__version__",
    "evaluate",
    "load_image",
    "load_model",
    "read",
    "read_many",
]

_HOMES = {
    "Model": ("reading", "Model"),
    "PneumoscopeError": ("core", "PneumoscopeError"),
    "Prediction": ("reading", "Prediction"),
    "Radiograph": ("core", "Radiograph"),
    "Reading": ("results", "Reading"),
    "evaluate": ("evaluation", "evaluate"),
    "load_image": ("intake", "read_radiograph"),
    "load_model": ("reading", "load_model"),
    "read": ("reading", "read"),
    "read_many": ("reading", "read_many"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room, attribute = _HOMES[name]
    value = getattr(import_module(f"{__name__}.{room}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
