"""A watched folder, for sites without a router: what other software drops there goes into the same inbox."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from pneumoscope.core import CapacityError, ConfigError, InputError
from pneumoscope.service.config import WatchConfig
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.spool import make_private
from pneumoscope.service.store import Route

CALLER = "WATCH"
"""What stands for the calling AE title in rules."""

TAKEN, REFUSED = "taken", "refused"
"""Folders that files move to: queued, or no image; beside a refused file is a text with the reason."""


def kept_files(root: Path) -> list[Path]:
    """Return the files that were moved to the `taken` and `refused` folders of a watched folder."""
    folders = (root / name for name in (TAKEN, REFUSED))
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


class Watch:
    """Watches one folder by looking at it every second, which works on network file systems as well."""

    def __init__(self, config: WatchConfig, *, inbox: Inbox, max_object_mb: int) -> None:
        """Makes the folders.

        Raises:
            ConfigError: They cannot be made.
        """
        assert config.path is not None, "a folder to watch"
        self._root = config.path
        self._settle_s = config.settle_s
        self._limit = max_object_mb * 1024 * 1024
        self._inbox = inbox
        try:
            for name in (TAKEN, REFUSED):
                make_private(self._root / name)
        except OSError as error:
            raise ConfigError(
                f"watch.path: expected a writable folder, found {self._root}: {error.strerror}"
            ) from error

    def run(self, *, stop: threading.Event) -> None:
        """Works until `stop` is set."""
        while not stop.wait(1.0):
            try:
                self.work()
            except (CapacityError, OSError) as error:
                logger.error("watched folder waits", reason=str(getattr(error, "strerror", None) or error))

    def work(self) -> int:
        """Takes what has not changed for a while; returns how many files it moved away.

        A file that cannot be read or moved stays, and the others go on.

        Raises:
            CapacityError: There is no room; the files stay.
            OSError: The folder cannot be read.
        """
        moved = 0
        for path in sorted(self._root.rglob("*")):
            inner = path.relative_to(self._root)
            if inner.parts[0] in (TAKEN, REFUSED) or any(part.startswith(".") for part in inner.parts):
                continue
            try:
                if self._is_settled(path):
                    self._take(path, inner)
                    moved += 1
            except OSError as error:
                found = error.strerror or type(error).__name__
                reason = f"expected a file that can be read and moved, found: {found}"
                logger.error("file left where it is", route="watch", file=hashed(str(inner)), reason=reason)
        return moved

    def _is_settled(self, path: Path) -> bool:
        if path.is_symlink() or not path.is_file():
            return False
        return time.time() - path.stat().st_mtime >= self._settle_s

    def _take(self, path: Path, inner: Path) -> None:
        try:
            if path.stat().st_size > self._limit:
                raise InputError(f"file: expected at most {self._limit // 1024**2} MB, found more")
            receipt = self._inbox.take(path.read_bytes(), caller=CALLER, route=Route.WATCH)
        except InputError as error:
            target = self._move(path, REFUSED, inner)
            target.with_name(target.name + ".reason.txt").write_text(f"{error}\n")
            logger.warning("refused", route="watch", reason=str(error))
        else:
            self._move(path, TAKEN, inner)
            logger.info("received", study=hashed(receipt.study_uid), route="watch", new=receipt.new)

    def _move(self, path: Path, folder: str, inner: Path) -> Path:
        target = self._root / folder / inner
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = 1
        while target.exists():
            target = target.with_name(f"{inner.stem}-{number}{inner.suffix}")
            number += 1
        moved = path.replace(target)
        with suppress(OSError):  # another owner's file: its folder keeps others out
            moved.chmod(0o600)
        return moved
