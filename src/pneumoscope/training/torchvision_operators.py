"""Declares the compiled operators that torchvision's import expects but a CPU build of torch cannot load.

timm imports torchvision. The package index has torchvision's compiled part for CUDA builds of torch only; with a
CPU build `import torchvision` raises "operator torchvision::nms does not exist". Declared, not defined: calling one
still fails, and we call none. Does nothing where torchvision is whole.
"""

import sys

import torch

_library: torch.library.Library | None = None


def declare() -> None:
    """Make `import torchvision` (and so `import timm`) work with any build of torch."""
    global _library  # noqa: PLW0603 - torch keeps declarations only as long as this object lives
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]  # half imported
        _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
