"""The main path: one image from its source to a reading, and many of them."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from pneumoscope.core import Check, Outcome, Population, Radiograph, Status, UnreadableError, View, map_in_order
from pneumoscope.image import Prepared, prepare
from pneumoscope.intake import AnySource, ImageSource, check, find_images, image_source, read_radiograph
from pneumoscope.reading.decision import decide
from pneumoscope.reading.model import Model, load_model, shipped_model
from pneumoscope.results import Reading

# Decoding threads. Two keep the network busy: decoding and preparing take about as long as it does.
_WORKERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How images are read.

    Attributes:
        operating_point: Which threshold decides: `screening`, `balanced` or `confirmatory`.
        population: Whose rule decides where the header gives no age, or none to rely on. Left out: the adults' where
            there is none, and a refusal where there is one that cannot be relied on.
        refuse_unknown_age: Refuse images whose age is not known.
        keep_pixels: Whether readings hold image and heat map, which overlay, capture and presentation state need.
    """

    operating_point: str = "balanced"
    population: Population | None = None
    refuse_unknown_age: bool = False
    keep_pixels: bool = True


def read(
    source: AnySource,
    *,
    model: Model | Path | str | None = None,
    operating_point: str = "balanced",
    population: Population | str | None = None,
    view: View | str | None = None,
    age_years: float | None = None,
) -> Reading:
    """Read one image. An image that cannot be read is a reading too: `failed`, with the reason.

    Args:
        source: A path to a file, bytes, a binary file, a pydicom Dataset, or a NumPy array of grey values.
        model: A loaded model, or the path of an artefact; the model that ships where it is left out.
        operating_point: Which threshold decides: `screening`, `balanced` or `confirmatory`.
        population: Whose rule decides where no age is known: `adults` or `children`.
        view: Projection (`PA`, `AP`), for an image without a header that says it.
        age_years: The patient's age, for an image without a header that says it.

    Raises:
        InputError: The source is none of these types.
        ConfigError: The model has no such operating point or population.
        ArtifactError: The model cannot be loaded.
    """
    chosen, settings = _chosen(model, operating_point=operating_point, population=population)
    return read_image(source, chosen, settings, view=None if view is None else View(view), age_years=age_years)


def read_many(
    sources: AnySource | Iterable[AnySource],
    *,
    model: Model | Path | str | None = None,
    operating_point: str = "balanced",
    population: Population | str | None = None,
    refuse_unknown_age: bool = False,
    workers: int | None = None,
    keep_pixels: bool = True,
) -> Iterator[Reading]:
    """Read many images, lazily and in input order: one reading for each, whatever becomes of it.

    Images are decoded in threads while the network runs; no more than twice as many as there are threads are held at
    any time. Whoever keeps many readings passes `keep_pixels=False`: image and heat map are nearly all of their size.

    Args:
        sources: A path, or an iterable of whatever `read` takes; folders are walked and zip archives opened.
        model: As for `read`.
        operating_point: As for `read`.
        population: As for `read`.
        refuse_unknown_age: Refuse images whose age is not known, instead of taking the adults' rule.
        workers: How many threads decode and prepare.
        keep_pixels: Whether readings hold image and heat map, which overlay, capture and presentation state need.

    Raises:
        InputError: A source is of none of these types.
        ConfigError: The model has no such operating point or population, or `workers` is below 1.
        ArtifactError: The model cannot be loaded.
    """
    chosen, settings = _chosen(model, operating_point=operating_point, population=population)
    settings = replace(settings, keep_pixels=keep_pixels, refuse_unknown_age=refuse_unknown_age)
    return map_in_order(
        lambda source: read_image(source, chosen, settings),
        _each(sources),
        workers=_WORKERS if workers is None else workers,
    )


def read_image(
    source: AnySource, model: Model, settings: Settings, *, view: View | None = None, age_years: float | None = None
) -> Reading:
    """Take one image the whole way: read it, check it, prepare it, run the network, decide.

    Raises:
        InputError: The source is of no type that an image can come in.
    """
    started = time.perf_counter()
    try:
        radiograph = read_radiograph(source, view=view, age_years=age_years)
        checks = check(
            radiograph,
            model.card.intended_use,
            population=settings.population,
            needs_age=settings.refuse_unknown_age,
        )
        if any(one.outcome is Outcome.FAILED for one in checks):
            return _not_analysed(Status.REFUSED, radiograph, checks, model=model, elapsed_ms=_since(started))
        prepared = _prepared(radiograph, model)
    except UnreadableError as error:
        return _failed(error, model=model, elapsed_ms=_since(started))
    elapsed_ms = _since(started)
    outputs, network_ms = model.run_timed(prepared.array[np.newaxis])
    if not settings.keep_pixels:
        radiograph = replace(radiograph, pixels=None)
    return decide(
        outputs,
        radiograph,
        checks,
        crop=prepared.crop,
        model=model,
        operating_point=settings.operating_point,
        population=settings.population,
        elapsed_ms=elapsed_ms + network_ms,
    )


def _prepared(radiograph: Radiograph, model: Model) -> Prepared:
    if radiograph.pixels is None:
        raise UnreadableError("pixel_data", expected="one grey frame", found="none", path=radiograph.path)
    return prepare(radiograph.pixels, model.card.recipe)


def _chosen(
    model: Model | Path | str | None, *, operating_point: str, population: Population | str | None
) -> tuple[Model, Settings]:
    """Return the loaded model, and settings that it can follow."""
    chosen = model if isinstance(model, Model) else shipped_model() if model is None else load_model(model)
    chosen.require_operating_point(operating_point)
    named = None if population is None else chosen.population(population)
    return chosen, Settings(operating_point=operating_point, population=named)


def _each(sources: AnySource | Iterable[AnySource]) -> Iterator[AnySource]:
    """Yield every image: those under each path, and whatever is in memory."""
    if isinstance(sources, ImageSource | Path | str | bytes | np.ndarray) or hasattr(sources, "read"):
        sources = [cast("AnySource", sources)]
    for source in sources:
        if isinstance(source, Path | str):
            yield from find_images([Path(source)])
        elif isinstance(source, np.ndarray):
            yield source
        else:
            yield image_source(source)


def _failed(error: UnreadableError, *, model: Model, elapsed_ms: float) -> Reading:
    return Reading(
        path=error.path,
        status=Status.FAILED,
        checks=(Check(error.check, Outcome.FAILED, error.expected, error.found),),
        model=model.identity,
        elapsed_ms=elapsed_ms,
        card=model.summary(),
    )


def _not_analysed(
    status: Status, radiograph: Radiograph, checks: tuple[Check, ...], *, model: Model, elapsed_ms: float
) -> Reading:
    return Reading(
        path=radiograph.path,
        status=status,
        checks=checks,
        model=model.identity,
        elapsed_ms=elapsed_ms,
        sop_instance_uid=radiograph.sop_instance_uid,
        view=radiograph.view,
        steps=radiograph.steps,
        radiograph=radiograph,
        card=model.summary(),
    )


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
