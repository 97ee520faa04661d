"""A worker: claims what waits, reads it in batches, makes the objects and queues their delivery."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError, Check, Outcome, Status, sha256_of
from pneumoscope.intake import ImageSource
from pneumoscope.model import Artifact
from pneumoscope.reading import EngineName, Model, read_many
from pneumoscope.results import Reading
from pneumoscope.service.config import Destination, ReadingConfig
from pneumoscope.service.cores import Cores, running_on
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.products import make_products, parcels_for
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Image, Result, Store, images, results

LEASE_S = 120.0
"""How long a claim lasts; far longer than reading a batch, so that only a worker that died loses its claim."""

_POLL_S, _PAUSE_S, _LONGEST_PAUSE_S = 1.0, 2.0, 60.0
_NOT_THE_IMAGE = (CapacityError, SQLAlchemyError, OSError)
"""Faults of the disk and the database."""


class Worker:
    """One reader with its own copy of the network; `run` is a thread's work."""

    def __init__(
        self,
        config: ReadingConfig,
        *,
        name: str,
        store: Store,
        spool: Spool,
        artifact: Artifact,
        destinations: Sequence[Destination],
        cores: Cores = None,
    ) -> None:
        """Load the network.

        Raises:
            ConfigError: The model has no such operating point, or the engine is not installed.
            ArtifactError: The graph cannot be run.
        """
        self._config = config
        self._name = name
        self._store = store
        self._spool = spool
        self._destinations = () if config.silent else tuple(destinations)
        self._ended_by: dict[int, str] = {}
        self._owed: dict[int, str] = {}  # claimed images to be queued again, with the reason
        self._owed_counts = False
        self._interruptions = 0
        self._cores = cores
        with running_on(cores):
            self.model = Model(artifact, engine=EngineName(config.engine))
        self.model.require_operating_point(config.operating_point)

    def run(self, *, stop: threading.Event, arrived: threading.Event) -> None:
        """Work until `stop` is set; wait for `arrived` while there is nothing to do."""
        with running_on(self._cores):
            self._run(stop, arrived)

    def _run(self, stop: threading.Event, arrived: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not self.work():
                    arrived.wait(_POLL_S)
                    arrived.clear()
            except (CapacityError, SQLAlchemyError, OSError) as error:
                logger.error("worker waits", reason=_reason(error))
                stop.wait(self._pause_s())

    def work(self) -> int:
        """Read one batch of what waits; return how many images were settled.

        Raises:
            CapacityError: The disk is full; the images are back in the queue, and the attempt does not count.
            OSError: The same, for another fault of the disk.
            SQLAlchemyError: The database does not answer; the next call queues them again.
        """
        self._give_back()
        batch = images.claim(self._store, worker=self._name, limit=self._config.batch, lease_s=LEASE_S)
        if not batch:
            return 0
        left = {image.id: image for image in batch}
        try:
            for image, reading in self._read(batch):
                self._settle(image, reading)
                self._ended_by.pop(image.id, None)
                del left[image.id]
        except Exception as error:
            logger.error("reading interrupted", error=type(error).__name__, images=len(left))
            self._interrupted(list(left), error)
            if isinstance(error, _NOT_THE_IMAGE):
                raise
        else:
            self._interruptions = 0
        return len(batch) - len(left)

    def _interrupted(self, ids: list[int], error: Exception) -> None:
        """Queue a batch again; an attempt counts against an image only where the image may be the cause.

        A full disk or a database that does not answer says nothing about an image. A fault in reading may: the images
        come again one by one, so that the one that causes it is found and ends as failed.
        """
        self._owed |= dict.fromkeys(ids, _reason(error))
        self._owed_counts = not isinstance(error, _NOT_THE_IMAGE)
        if self._owed_counts:
            self._ended_by |= dict.fromkeys(ids, type(error).__name__)
        else:
            self._interruptions += 1
        with suppress(SQLAlchemyError):
            self._give_back()

    def _give_back(self) -> None:
        """Queue again what an earlier call could not settle, also where the database did not answer then."""
        if self._owed:
            images.release(
                self._store,
                list(self._owed),
                delay_s=self._pause_s(),
                worker=self._name,
                error=next(iter(self._owed.values())),
                counts=self._owed_counts,
            )
            self._owed = {}

    def _pause_s(self) -> float:
        """Return the delay after interruptions: 2 s, doubling up to a minute."""
        return float(min(_PAUSE_S * 2 ** min(max(self._interruptions - 1, 0), 10), _LONGEST_PAUSE_S))

    def _read(self, batch: Sequence[Image]) -> Iterator[tuple[Image, Reading]]:
        if batch[0].attempts > self._config.attempts:
            yield batch[0], self._given_up(batch[0])
            return
        sources = [ImageSource(path=image.uid, location=self._spool.path(image.file or "")) for image in batch]
        readings = read_many(
            sources,
            model=self.model,
            operating_point=self._config.operating_point,
            population=self._config.population,
            refuse_unknown_age=self._config.refuse_unknown_age,
        )
        yield from zip(batch, readings, strict=True)

    def _settle(self, image: Image, reading: Reading) -> None:
        """Write the files first, then result and deliveries in one transaction: what is in the queue is on disk."""
        if results.of_image(self._store, image.id) is not None:
            return  # another worker read it, since our lease had ended; its files stay as they were queued
        products = make_products(reading, file=self._spool.path(image.file or ""), claim=self._config.claim)
        folder = self._spool.write_result(image.uid, products.files)
        parcels = [
            replace(one, sha256=sha256_of(products.files[Path(one.file).name])) if one.file.endswith(".dcm") else one
            for one in parcels_for(image, reading, products=products, folder=folder, destinations=self._destinations)
        ]
        result = _result(image, reading, folder=folder, line=products.line, at=self._store.now())
        results.record(self._store, result, parcels=parcels)
        seconds = self._store.now() - image.received_at
        logger.info("read", study=hashed(image.study_uid), status=reading.status.value, after_s=round(seconds, 2))

    def _given_up(self, image: Image) -> Reading:
        last = self._ended_by.get(image.id, "the end of the process")
        found = f"{image.attempts - 1} attempts that ended the reader, the last by {last}"
        return Reading(
            path=image.uid,
            status=Status.FAILED,
            checks=(Check("reading", Outcome.FAILED, "an image that can be read to its end", found),),
            model=self.model.identity,
            elapsed_ms=0.0,
            sop_instance_uid=image.uid,
        )


def _reason(error: Exception) -> str:
    """Return why reading was interrupted, without anything of the image."""
    if isinstance(error, CapacityError):
        return str(error).splitlines()[0]
    if isinstance(error, SQLAlchemyError):
        return f"queue: expected a database that answers, found {type(error).__name__}"
    if isinstance(error, OSError):
        return f"spool: expected a disk that works, found {error.strerror or type(error).__name__}"
    return f"reading ended with {type(error).__name__}; it is tried again"


def _result(image: Image, reading: Reading, *, folder: str, line: dict[str, object], at: float) -> Result:
    decision, radiograph = reading.decision, reading.radiograph
    pixels = radiograph.pixels if radiograph is not None else None
    return Result(
        image_id=image.id,
        study_uid=image.study_uid,
        status=reading.status.value,
        view=reading.view.value if reading.view else None,
        probability=decision.probability if decision else None,
        threshold=decision.threshold if decision else None,
        operating_point=decision.operating_point if decision else None,
        positive=decision.positive if decision else None,
        uncertain=decision.uncertain if decision else None,
        model_sha256=reading.model.sha256,
        age_years=radiograph.age_years if radiograph else None,
        pixel_mean=float(pixels.mean()) if pixels is not None else None,
        pixel_deviation=float(pixels.std()) if pixels is not None else None,
        distance=reading.distance,
        line=json.dumps(line, ensure_ascii=False, allow_nan=False),
        folder=folder,
        read_at=at,
    )
