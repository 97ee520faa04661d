"""Which layers keep their weights, which are tuned, which are new: frozen by name, told as a table."""

import pandas as pd
from torch import nn

from pneumoscope.core import ConfigError
from pneumoscope.training.network import Network

COLUMNS = ("layer", "kind", "parameters", "state")


def freeze(network: Network, frozen_to: str) -> None:
    """Freeze the backbone's layers up to and including `frozen_to` (a layer's name or a block's); empty: none.

    Frozen batch normalisations keep their statistics as well.

    Raises:
        ConfigError: The backbone has no such layer; its blocks are named.
    """
    for layer in frozen_layers(network, frozen_to):
        layer.requires_grad_(False).eval()


def frozen_layers(network: Network, frozen_to: str) -> list[nn.Module]:
    """Return the layers with weights of their own that `freeze` freezes, in order."""
    if not frozen_to:
        return []
    layers = list(network.backbone.named_modules())
    inside = [place for place, (name, _) in enumerate(layers) if name == frozen_to or name.startswith(f"{frozen_to}.")]
    if not inside:
        blocks = ", ".join(name for name, _ in layers if name and name.count(".") <= 1)
        raise ConfigError(f"[layers] frozen_to: expected a layer of the backbone, got {frozen_to!r}; it has {blocks}")
    return [layer for _, layer in layers[: inside[-1] + 1] if list(layer.parameters(recurse=False))]


def layer_table(network: Network) -> pd.DataFrame:
    """Return a row for each layer with parameters: name, kind, their number, and frozen, fine-tuned or added."""
    rows = []
    for name, layer in network.named_modules():
        own = list(layer.parameters(recurse=False))
        if own:
            tuned = any(parameter.requires_grad for parameter in own)
            state = "added" if not name.startswith("backbone.") else "fine-tuned" if tuned else "frozen"
            rows.append((name, type(layer).__name__, sum(parameter.numel() for parameter in own), state))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summary(table: pd.DataFrame) -> list[str]:
    """Return the table in three lines, one for each state: layers, parameters, first and last layer."""
    return [
        f"{state:10}  {len(rows):4} layers  {rows['parameters'].sum():12,} parameters"
        + (f"  {rows['layer'].iloc[0]} ... {rows['layer'].iloc[-1]}" if len(rows) else "")
        for state in ("frozen", "fine-tuned", "added")
        for rows in [table[table["state"] == state]]
    ]
