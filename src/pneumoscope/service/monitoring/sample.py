"""What is watched of each image, as columns: the reference (the first images here) and everything after it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from sqlalchemy import Select, select

from pneumoscope.core import Status, View
from pneumoscope.service.store import Store, tables

_results = tables.results
_COLUMNS = (
    "read_at",
    "status",
    "view",
    "probability",
    "positive",
    "uncertain",
    "age_years",
    "pixel_mean",
    "pixel_deviation",
    "distance",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Images in the order in which they were read; NaN where a value does not exist."""

    at: Float[np.ndarray, " n"]
    status: np.ndarray
    view: np.ndarray
    probability: Float[np.ndarray, " n"]
    positive: Bool[np.ndarray, " n"]
    uncertain: Bool[np.ndarray, " n"]
    age_years: Float[np.ndarray, " n"]
    pixel_mean: Float[np.ndarray, " n"]
    pixel_deviation: Float[np.ndarray, " n"]
    distance: Float[np.ndarray, " n"]

    @property
    def size(self) -> int:
        """How many images."""
        return int(self.at.size)

    @property
    def analysed(self) -> Bool[np.ndarray, " n"]:
        """Which were analysed."""
        return np.asarray(self.status == Status.ANALYSED.value)

    def last(self, number: int) -> "Sample":
        """Return the latest images, up to and with as many analysed ones."""
        left = np.cumsum(self.analysed[::-1])[::-1]
        return self.where(left <= number)

    def where(self, which: Bool[np.ndarray, " n"]) -> "Sample":
        """Those images only."""
        return Sample(**{name: getattr(self, name)[which] for name in Sample.__slots__})


def reference_of(store: Store, *, model_sha256: str, size: int) -> Sample:
    """Return the first images here that this model read, up to and with the `size`-th analysed one."""
    query = _query(model_sha256).order_by(_results.c.read_at, _results.c.image_id).limit(20 * size)
    sample = _sample(store, query)
    counted = np.cumsum(sample.analysed)
    return sample.where((counted < size) | ((counted == size) & sample.analysed))


def sample_since(store: Store, *, model_sha256: str, moment: float, after: float) -> Sample:
    """Return what this model read at `moment` or later and strictly after `after`, in order."""
    recent = (_results.c.read_at >= moment) & (_results.c.read_at > after)
    return _sample(store, _query(model_sha256).where(recent).order_by(_results.c.read_at, _results.c.image_id))


def _query(model_sha256: str) -> Select[tuple[object, ...]]:
    return select(*(_results.c[name] for name in _COLUMNS)).where(_results.c.model_sha256 == model_sha256)


def _sample(store: Store, query: Select[tuple[object, ...]]) -> Sample:
    with store.reading() as connection:
        rows = connection.execute(query).all()
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(_COLUMNS, ())
    numbers = {name: _numbers(columns[name]) for name in _COLUMNS if name not in ("status", "view")}
    return Sample(
        at=numbers["read_at"],
        status=np.array([str(one) for one in columns["status"]], dtype="U16"),
        view=np.array([str(one or "") for one in columns["view"]], dtype="U16"),
        probability=numbers["probability"],
        positive=numbers["positive"] == 1,
        uncertain=numbers["uncertain"] == 1,
        age_years=numbers["age_years"],
        pixel_mean=numbers["pixel_mean"],
        pixel_deviation=numbers["pixel_deviation"],
        distance=numbers["distance"],
    )


def _numbers(values: tuple[object, ...]) -> Float[np.ndarray, " n"]:
    return np.array([np.nan if one is None else float(one) for one in values], dtype=np.float64)  # type: ignore[arg-type]


VIEWS = (View.PA.value, View.AP.value, View.LATERAL.value, "")
"""Views as the mix counts them; the last is "not stated"."""
