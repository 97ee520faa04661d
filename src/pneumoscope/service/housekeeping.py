"""Retention: settled images' pixels and result files are deleted after a while; their rows stay."""

import threading

from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.service.config import StoreConfig
from pneumoscope.service.log import logger
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Store, deliveries, images, results

_EVERY_S = 600.0
_DAY_S, _STALE_S = 86_400.0, 3600.0
_BATCH = 500


class Housekeeping:
    """Keeps the spool from growing for ever; `run` is a thread's work."""

    def __init__(self, config: StoreConfig, *, store: Store, spool: Spool) -> None:
        self._config = config
        self._store = store
        self._spool = spool

    def run(self, *, stop: threading.Event) -> None:
        """Works until `stop` is set."""
        while True:
            try:
                self.work()
            except (SQLAlchemyError, OSError) as error:
                logger.error("housekeeping waits", error=type(error).__name__)
            if stop.wait(_EVERY_S):
                return

    def work(self) -> int:
        """Deletes what is due; returns the files of how many images. Of studies all goes but what is to be delivered.

        Raises:
            SQLAlchemyError: The database does not answer.
            OSError: A file cannot be deleted.
        """
        now, deleted = self._store.now(), 0
        self._spool.forget("incoming", before=now - _STALE_S)
        if not self._config.keep_days:
            return 0
        before = now - self._config.keep_days * _DAY_S
        while batch := images.outdated(self._store, before=before, limit=_BATCH):
            for image in batch:
                result = results.of_image(self._store, image.id)
                images.forget_file(self._store, image.id)  # the row first: it must never promise what is gone
                self._spool.delete(image.file)
                self._spool.delete(result.folder if result else None)
                deleted += 1
        self._spool.forget("studies", before=before, but=deliveries.files_to_deliver(self._store))
        if deleted:
            logger.info("deleted after retention", images=deleted)
        return deleted
