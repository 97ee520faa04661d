"""Weights by name from any checkpoint file, without running code in it."""

import pickle
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from pneumoscope.core import ConfigError

# Names of torchvision's DenseNet before version 0.2 had a dot inside: `denselayer1.norm.1.weight`.
_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\..+)")
# Wrappers around the network: DataParallel, Lightning, arnoweng/CheXNet.
_WRAPPERS = re.compile(r"^(?:module\.|model\.|net\.|network\.|densenet121\.)+")
_NESTED = ("state_dict", "model_state_dict", "model", "net")
# What tensors are rebuilt by; everything else in a pickle becomes an inert object.
_REBUILD = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch.nn.parameter", "Parameter"),
    ("torch", "Size"),
    ("torch.serialization", "_get_layout"),
    ("torch.storage", "UntypedStorage"),
}


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights in a safetensors file, a state dictionary of torch, or a pickled module.

    A pickled module is read as data: its classes are never imported and nothing in the file runs, so that neither
    trust in its author nor the package that defined it is needed.

    Raises:
        ConfigError: The file is missing or holds no weights.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Couldn't retrieve source code")  # no class is used
                found = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_INERT_PICKLE)
    except Exception as error:  # each library has its own for damage
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}: expected weights (safetensors or torch), found {reason}") from error
    weights = {_plain_name(name): tensor for name, tensor in _weights_in(found).items()}
    if not weights:
        raise ConfigError(f"{path}: expected weights by name, found none")
    return weights


def _weights_in(found: Any) -> dict[str, Tensor]:
    """Return the tensors of a state dictionary, of one nested in a dictionary, or of a module's tree."""
    if isinstance(found, _Inert):
        return _of_module(found, "")
    if not isinstance(found, dict):
        return {}
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors
    for key in _NESTED:
        if key in found:
            return _weights_in(found[key])
    return {}


def _of_module(module: "_Inert", prefix: str) -> dict[str, Tensor]:
    state = module.__dict__
    own = {**state.get("_parameters", {}), **state.get("_buffers", {})}
    weights = {prefix + name: value for name, value in own.items() if isinstance(value, Tensor)}
    for name, child in state.get("_modules", {}).items():
        if isinstance(child, _Inert):
            weights |= _of_module(child, f"{prefix}{name}.")
    return weights


def _plain_name(name: str) -> str:
    name = _WRAPPERS.sub("", name)
    match = _OLD_DENSENET.match(name)
    return f"{match[1]}{match[2]}" if match else name


class _Inert:
    """Stands for an instance of any class in a pickle; holds its state and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept and ignore what the class would be built from."""

    def __call__(self, *args: Any, **kwargs: Any) -> "_Inert":  # noqa: ARG002
        """Stand for what a function in the pickle would return."""
        return _Inert()

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _InertUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _REBUILD or (module == "torch" and name.endswith(("Storage", "dtype"))):
            return super().find_class(module, name)
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        return type(name, (_Inert,), {})


def _load(file: Any, **options: Any) -> Any:
    return _InertUnpickler(file, **options).load()


_INERT_PICKLE = SimpleNamespace(
    Unpickler=_InertUnpickler, load=_load, UnpicklingError=pickle.UnpicklingError, __name__="inert"
)
