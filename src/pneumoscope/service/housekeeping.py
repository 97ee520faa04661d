"""Retention: after a while, settled images' pixels, result files and patient data are deleted; numbers stay."""

import threading
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.service.config import StoreConfig, WatchConfig
from pneumoscope.service.log import logger
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Store, deliveries, images, results
from pneumoscope.service.watch import kept_files

_EVERY_S = 600.0
_DAY_S, _STALE_S = 86_400.0, 3600.0
_BATCH = 500


class Housekeeping:
    """Deletes what is older than the retention time; `run` is a thread's work."""

    def __init__(self, config: StoreConfig, *, store: Store, spool: Spool, watch: WatchConfig | None = None) -> None:
        """`watch` names the watched folder, whose `taken` and `refused` files have the same retention."""
        self._config = config
        self._store = store
        self._spool = spool
        self._watched = watch.path if watch is not None else None

    def run(self, *, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        while True:
            try:
                self.work()
            except (SQLAlchemyError, OSError) as error:
                logger.error("housekeeping waits", error=type(error).__name__)
            if stop.wait(_EVERY_S):
                return

    def work(self) -> int:
        """Delete what is due; return the files of how many images. Of studies all goes but what is to be delivered.

        Raises:
            SQLAlchemyError: The database does not answer.
            OSError: A file cannot be deleted.
        """
        now = self._store.now()
        self._spool.forget("incoming", before=now - _STALE_S)
        if not self._config.keep_days:
            return 0
        before = now - self._config.keep_days * _DAY_S
        deleted = self.delete_images(before=before)
        self._spool.forget("studies", before=before, but=deliveries.files_to_deliver(self._store))
        if self._watched is not None:
            _forget_watched(self._watched, before=before)
        if deleted:
            logger.info("deleted after retention", images=deleted)
        return deleted

    def delete_images(self, *, before: float) -> int:
        """Delete files and patient data of images that were settled before that time; return of how many."""
        deleted = 0
        while batch := images.outdated(self._store, before=before, limit=_BATCH):
            for image in batch:
                result = results.of_image(self._store, image.id)
                images.forget_file(self._store, image.id)  # the row first: it must never promise what is gone
                self._spool.delete(image.file)
                self._spool.delete(result.folder if result else None)
                deleted += 1
        return deleted


def _forget_watched(folder: Path, *, before: float) -> None:
    """Delete files that were moved to `taken` or `refused` before that time: moving sets a file's ctime."""
    for path in kept_files(folder):
        with suppress(FileNotFoundError):
            if path.stat().st_ctime <= before:
                path.unlink()
