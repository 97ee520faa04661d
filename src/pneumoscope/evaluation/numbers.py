"""The two leaves of evidence: a number with what it stands on, and the reason why there is none."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

from pneumoscope.core import ArtifactError, InputError

# A number's key in JSON tells the two leaves from a group.
_MARKS = ("value", "not_estimable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A measured number and its two-sided interval.

    Attributes:
        level: Confidence of the interval, between 0 and 1.
        n: The denominator: rows (images), or of a share the rows that it is a share of.
        method: How the interval was made, in words.
        positives: Of the `n` rows, those that the reference calls positive; None where it is `n` itself or 0.
        effective_n: `n` over the design effect of several images a patient; None where the method has none.
        p_value: Two-sided, of no difference, after correction for multiplicity; None where nothing is compared.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str
    positives: int | None = None
    effective_n: float | None = None
    p_value: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.low) and math.isfinite(self.high)):
            raise ArtifactError(f"expected finite value, low and high, found {self.value}, {self.low}, {self.high}")
        if self.low > self.high:
            raise ArtifactError(f"expected low <= high, found {self.low} and {self.high}")
        if not 0 < self.level < 1:
            raise ArtifactError(f"expected a level between 0 and 1, found {self.level}")
        if self.n < 1 or not 0 <= (self.positives or 0) <= self.n:
            raise ArtifactError(f"expected n >= 1 with 0 to n positives, found n {self.n}, positives {self.positives}")


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """Why a number that belongs here cannot be given."""

    why: str


Leaf: TypeAlias = Number | NotEstimable
Node: TypeAlias = "Leaf | str | int | float | bool | Tree"
Tree: TypeAlias = Mapping[str, Node]


def estimate(measure: Callable[[], Any]) -> Leaf:
    """Return the number that `measure` (it returns a record of `pneumoscope.stats`) gives, or why it gives none.

    Statistics raise `InputError` where they are undefined (a class is absent, nothing is flagged); here that is
    an answer, not a fault.
    """
    try:
        found = measure()
    except InputError as error:
        return NotEstimable(str(error))
    if not all(map(math.isfinite, (found.value, found.low, found.high))):
        return NotEstimable(f"no finite interval: {found.value:.3g} [{found.low:.3g}, {found.high:.3g}]")
    optional = {name: getattr(found, name, None) for name in ("positives", "effective_n", "p_value")}
    return Number(
        value=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        n=found.n,
        method=found.method,
        **{name: value for name, value in optional.items() if value is not None},
    )


def to_json(node: Node) -> Any:
    """Return the JSON value of a tree; numbers to nine significant digits."""
    match node:
        case Number():
            return {key: _rounded(value) for key, value in asdict(node).items() if value is not None}
        case NotEstimable():
            return {"not_estimable": node.why}
        case Mapping():
            return {key: to_json(child) for key, child in node.items()}
    return _rounded(node)


def from_json(value: Any, *, path: str) -> Node:
    """Return the tree of a JSON value, valid in every leaf.

    Raises:
        ArtifactError: Something in it is neither a number record, a reason, a fact nor a group of these; says where.
    """
    match value:
        case {"not_estimable": str(why)} if len(value) == 1:
            return NotEstimable(why)
        case {"value": _}:
            return _number(value, path=path)
        case dict():
            if bad := [key for key in value if "." in key or key in _MARKS]:
                raise ArtifactError(f"{path}: expected keys without a dot, found {bad[0]!r}")
            return {key: from_json(child, path=f"{path}.{key}") for key, child in value.items()}
        case str() | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
    raise ArtifactError(f"{path}: expected a number record, a reason, a fact or a group, found {value!r}")


def leaves(tree: Tree, *, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every number, and every reason for none, with its dotted path below `path`."""
    for key, node in tree.items():
        match node:
            case Number() | NotEstimable():
                yield f"{path}{key}", node
            case Mapping():
                yield from leaves(node, path=f"{path}{key}.")


def _number(value: dict[str, Any], *, path: str) -> Number:
    known = {field.name: field.default for field in fields(Number)}
    required = {name for name in known if name in ("value", "low", "high", "level", "n", "method")}
    if unknown := sorted(set(value) - set(known)):
        raise ArtifactError(f"{path}: expected the keys of a number, found {', '.join(unknown)} too")
    if missing := sorted(required - set(value)):
        raise ArtifactError(f"{path}: expected the keys of a number, {', '.join(missing)} missing")
    try:
        return Number(**value)
    except (ArtifactError, TypeError) as error:
        raise ArtifactError(f"{path}: {error}") from error


def _rounded(value: Any) -> Any:
    return float(f"{value:.9g}") if isinstance(value, float) else value
