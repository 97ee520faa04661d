"""The configuration in force and the model, as keys and values; nothing secret."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pneumoscope.model import Artifact, Card, DecisionRule
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.released import differences

Section = tuple[str, list[tuple[str, str]]]


def sections(config: ServiceConfig, artifact: Artifact) -> list[Section]:
    """Return titled lists of key and value: the model, then each table of `node.toml`."""
    differs = differences(config)
    released = [("Differs from the released device", [("difference", one) for one in differs])] if differs else []
    return [*released, ("Model", _model(artifact)), *_tables(config)]


def without_password(address: str) -> str:
    """Return a URL as it may be shown: a password in it is hidden."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:(hidden)@{host}"))


def _model(artifact: Artifact) -> list[tuple[str, str]]:
    card = artifact.card
    return [
        ("name", card.name),
        ("version", card.version),
        ("SHA-256", artifact.identity.sha256),
        ("made", card.created),
        ("what it answers", card.meaning),
        ("intended use", card.intended_use_statement),
        *(row for name, rule in _rules(card) for row in _rule(name, rule)),
        ("guard", f"distance at most {card.guard.limit:.1f}: {card.guard.rule}"),
        ("licence", card.licence),
    ]


def _rules(card: Card) -> Iterator[tuple[str, DecisionRule]]:
    """Yield each population's rule, and those of views that have their own."""
    for population, rule in card.rules.items():
        yield str(population), rule
        for view in rule.by_view:
            yield f"{population} {view}", rule.for_view(view)


def _rule(whose: str, rule: DecisionRule) -> Iterator[tuple[str, str]]:
    for name, point in rule.operating_points.items():
        yield f"{whose}, {name}", f"from {point.threshold:.3f} ({point.rule})"
    low, high = sorted((rule.conformal.negative_to, rule.conformal.positive_from))
    yield f"{whose}, uncertain", f"between {low:.3f} and {high:.3f}"
    yield f"{whose}, calibrated at", f"prevalence {100 * rule.calibration.prevalence:.0f} %"


def _tables(config: ServiceConfig) -> Iterator[Section]:
    for one in fields(config):
        value = getattr(config, one.name)
        tables = value if isinstance(value, tuple) else (value,)
        for table in tables:
            title = f"[{one.name}]" if is_dataclass(value) else f"[[{one.name}]]"
            yield title, [(key.name, _text(getattr(table, key.name))) for key in fields(table)]


def _text(value: Any) -> str:
    if value in (None, ""):
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "(empty)"
    if isinstance(value, float):
        return f"{value:g}"
    return without_password(str(value)) if not isinstance(value, Path) else str(value)
