"""The configuration in force and the model, as words and values; nothing secret, and nothing to change here."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pneumoscope.model import Artifact
from pneumoscope.service.config import ServiceConfig

Section = tuple[str, list[tuple[str, str]]]


def sections(config: ServiceConfig, artifact: Artifact) -> list[Section]:
    """Titled lists of key and value: the model, then each table of `node.toml`."""
    return [("Model", _model(artifact)), *_tables(config)]


def without_password(address: str) -> str:
    """A URL as it may be shown: a password in it is not."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:(hidden)@{host}"))


def _model(artifact: Artifact) -> list[tuple[str, str]]:
    card = artifact.card
    points = "; ".join(
        f"{name} from {point.threshold:.3f} ({point.rule})" for name, point in card.operating_points.items()
    )
    return [
        ("name", card.name),
        ("version", card.version),
        ("SHA-256", artifact.identity.sha256),
        ("made", card.created),
        ("what it answers", card.meaning),
        ("intended use", card.intended_use_statement),
        ("operating points", points),
        ("uncertain", f"between {card.conformal.negative_to:.3f} and {card.conformal.positive_from:.3f}"),
        ("guard", f"distance at most {card.guard.limit:.1f}: {card.guard.rule}"),
        ("calibrated at", f"prevalence {100 * card.calibration.prevalence:.0f} %"),
        ("licence", card.licence),
    ]


def _tables(config: ServiceConfig) -> Iterator[Section]:
    for one in fields(config):
        value = getattr(config, one.name)
        tables = value if isinstance(value, tuple) else (value,)
        for table in tables:
            title = f"[{one.name}]" if is_dataclass(value) else f"[[{one.name}]]"
            yield title, [(key.name, _text(getattr(table, key.name))) for key in fields(table)]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "(empty)"
    if isinstance(value, float):
        return f"{value:g}"
    return without_password(str(value)) if not isinstance(value, Path) else str(value)
