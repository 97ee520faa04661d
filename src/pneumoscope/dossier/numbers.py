"""The strict resolver: every number in the document comes from an evidence file, by its address.

An address is `EVIDENCE/dotted.path` (`nih-test/labels.Pneumonia.auroc`), `literature/KEY`, `eda/dotted.path` or
`training/dotted.path`. What is missing is collected, and the build fails with the whole list.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.evaluation import Evidence, NotEstimable, Number

NOT_ESTIMABLE = "not estimable"

_SHARES = {"sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence", "coverage", "guard", "conformal"}
_SHARES |= {"share_moved_up", "pointing", "pointing_by_chance", "label_ppv", "label_npv"}


@dataclass(frozen=True, slots=True)
class Use:
    """One number of the document: its address, the form it was asked for in, and what was shown for it."""

    address: str
    form: str
    shown: str


@dataclass(slots=True)
class Numbers:
    """Resolves addresses, remembers each use, and collects what is missing.

    Attributes:
        release: Evidence folders by name.
        tables: Other sources of facts by name (`literature`, `training`, ...), as plain JSON.
    """

    release: dict[str, Evidence]
    tables: dict[str, Any]
    uses: list[Use] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def full(self, address: str) -> Marked:
        """Value, interval, denominator and the short reference to the evidence, for running text."""
        leaf = self._number(address)
        if not isinstance(leaf, Number):
            return self._shown(Use(address, "full", leaf))
        positives = "" if leaf.positives is None else f", {leaf.positives:,} positive"
        interval = f"{100 * leaf.level:g} % CI {_plain(leaf.low, address)} to {_plain(leaf.high, address)}"
        shown = f"{_plain(leaf.value, address)} ({interval}; n {leaf.n:,}{positives})"
        return Marked(f"{self._shown(Use(address, 'full', shown))}{self.source(address)}")

    def cell(self, address: str) -> Marked:
        """Value and interval, for a table whose caption names the evidence."""
        leaf = self._number(address)
        if not isinstance(leaf, Number):
            return self._shown(Use(address, "cell", leaf))
        low, high = (_plain(bound, address).rstrip(" %") for bound in (leaf.low, leaf.high))
        shown = f"{_plain(leaf.value, address)} [{low}, {high}]"
        return self._shown(Use(address, "cell", shown))

    def rest(self, address: str) -> Marked:
        """One less a share, with its interval, as `cell` shows it: what is missed, of a sensitivity."""
        leaf = self._number(address)
        if not isinstance(leaf, Number):
            return self._shown(Use(address, "rest", leaf))
        low, high = (_plain(1 - bound, address).rstrip(" %") for bound in (leaf.high, leaf.low))
        return self._shown(Use(address, "rest", f"{_plain(1 - leaf.value, address)} [{low}, {high}]"))

    def value(self, address: str) -> Marked:
        """Return a number's value alone, or a fact such as a count, a threshold or a name."""
        node = self._node(address)
        shown = _plain(node.value, address) if isinstance(node, Number) else _fact(node, address)
        if isinstance(node, Mapping) or (isinstance(node, list) and any(isinstance(one, Mapping) for one in node)):
            self.missing.append(f"{address}: expected a number or a fact, found a group")
        return self._shown(Use(address, "value", shown))

    def again(self, use: Use) -> str:
        """Return what the same use would show now."""
        form = {"full": self.full, "cell": self.cell, "rest": self.rest, "value": self.value}[use.form]
        form(use.address)
        return self.uses[-1].shown

    def source(self, address: str) -> Marked:
        """Return the short reference to the evidence of an address."""
        name, _ = self.split(address)
        return Marked(f"[@ev-{name.replace('/', '-')}]") if name in self.release else Marked("")

    def split(self, address: str) -> tuple[str, str]:
        """Return the source's name and the path in it; names of evidence are folders and may hold a slash, keys too."""
        names = (one for one in self.release if address.startswith(f"{one}/"))
        name = max(names, key=len, default=address.partition("/")[0])
        return name, address[len(name) + 1 :]

    def has(self, address: str) -> bool:
        """Whether the address is there; asking is no use of it."""
        try:
            self._find(address)
        except (ArtifactError, KeyError):
            return False
        return True

    def keys(self, address: str) -> tuple[str, ...]:
        """Names below a group, none where it is absent."""
        node = self._find(address) if self.has(address) else {}
        return tuple(map(str, node)) if isinstance(node, Mapping) else ()

    def node(self, address: str) -> Any:
        """Return a group or list as it is, for figures; a missing one is collected like a missing number."""
        return self._node(address)

    def require_complete(self) -> None:
        """Fail with everything that was missing.

        Raises:
            ConfigError: An address that a template or table named is not there.
        """
        if self.missing:
            raise ConfigError(f"{len(self.missing)} numbers are missing: " + "; ".join(dict.fromkeys(self.missing)))

    def _number(self, address: str) -> Number | str:
        node = self._node(address)
        if isinstance(node, Number):
            return node
        if isinstance(node, NotEstimable):
            return NOT_ESTIMABLE
        if node is not None:
            self.missing.append(f"{address}: expected a number with its interval, found {type(node).__name__}")
        return "?"

    def _shown(self, use: Use) -> Marked:
        self.uses.append(use)
        return escape(use.shown)

    def _node(self, address: str) -> Any:
        try:
            return self._find(address)
        except (ArtifactError, KeyError) as error:
            self.missing.append(f"{address}: {error}" if isinstance(error, ArtifactError) else f"{address}: no {error}")
            return None

    def _find(self, address: str) -> Any:
        name, path = self.split(address)
        if name in self.release:
            return self.release[name].at(path)
        node = self.tables[name]
        for step in path.split("."):
            node = node[int(step)] if isinstance(node, list) and step.isdigit() else node[step]
        return node


def _plain(value: float, address: str) -> str:
    """Return a value as it is shown: shares in per cent with one decimal, everything else with three."""
    return f"{100 * value:.1f} %" if _SHARES.intersection(address.replace("/", ".").split(".")) else f"{value:.3f}"


def _fact(node: Any, address: str) -> str:
    match node:
        case NotEstimable():
            return NOT_ESTIMABLE
        case bool():
            return "yes" if node else "no"
        case int():
            return f"{node:,}"
        case float() if address.endswith((".flag_all", ".promised")):
            return _plain(node, address)
        case float() if math.isfinite(node):
            return f"{node:,.0f}" if node.is_integer() else f"{node:.4g}"
        case str():
            return node
        case list():
            return ", ".join(_fact(one, address) for one in node)
    return "?" if node is None else str(node)
