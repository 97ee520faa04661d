"""A watched folder, for sites without a router: what other software drops there goes into the same inbox."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from pneumoscope.core import CapacityError, ConfigError, InputError
from pneumoscope.service.config import WatchConfig
from pneumoscope.service.inbox import Inbox, IncompleteError
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.spool import make_private
from pneumoscope.service.store import Route

CALLER = "WATCH"
"""What stands for the calling AE title in rules."""

_STALE_S = 3600.0
"""How long a cut-off file may stay as it is before it is refused."""

_PIECE_BYTES = 1024 * 1024

TAKEN, REFUSED = "taken", "refused"
"""Folders that files move to: queued, or no image; beside a refused file is a text with the reason."""


def kept_files(root: Path) -> list[Path]:
    """Return the files that were moved to the `taken` and `refused` folders of a watched folder."""
    folders = (root / name for name in (TAKEN, REFUSED))
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def _state_of(path: Path) -> tuple[int, int, int]:
    """Return what changes while a file is written: size, time of its content, time of its entry."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_stale(state: tuple[int, int, int]) -> bool:
    """Return whether a file has been as it is for so long that nobody writes it any more."""
    return time.time() - max(state[1], state[2]) / 1e9 >= _STALE_S


class Watch:
    """Watches one folder by looking at it every second, which works on network file systems as well."""

    def __init__(self, config: WatchConfig, *, inbox: Inbox, max_object_mb: int) -> None:
        """Make the folders.

        Raises:
            ConfigError: They cannot be made.
        """
        assert config.path is not None, "a folder to watch"
        self._root = config.path
        self._settle_s = config.settle_s
        self._limit = max_object_mb * 1024 * 1024
        self._inbox = inbox
        self._cut_off: dict[Path, tuple[int, int, int]] = {}
        self._seen: dict[Path, tuple[tuple[int, int, int], float]] = {}
        try:
            for name in (TAKEN, REFUSED):
                make_private(self._root / name)
        except OSError as error:
            raise ConfigError(
                f"watch.path: expected a writable folder, found {self._root}: {error.strerror}"
            ) from error

    def run(self, *, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        while not stop.wait(1.0):
            try:
                self.work()
            except (CapacityError, OSError) as error:
                logger.error("watched folder waits", reason=str(getattr(error, "strerror", None) or error))

    def work(self) -> int:
        """Take in what is whole and has not changed between two looks; return how many files were moved away.

        A file that cannot be read or moved stays, and the others go on. So does one that is cut off, which may still
        be written however long it has been still; after `_STALE_S` it is refused.

        Raises:
            CapacityError: There is no room; the files stay.
            OSError: The folder cannot be read.
        """
        moved = 0
        seen: dict[Path, tuple[int, int, int]] = {}
        for path in sorted(self._root.rglob("*")):
            inner = path.relative_to(self._root)
            if inner.parts[0] in (TAKEN, REFUSED) or any(part.startswith(".") for part in inner.parts):
                continue
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                seen[path] = state = _state_of(path)
                if self._is_settled(path, state):
                    moved += self._take(path, inner, state)
            except OSError as error:
                found = error.strerror or type(error).__name__
                reason = f"expected a file that can be read and moved, found: {found}"
                logger.error("file left where it is", route="watch", file=hashed(str(inner)), reason=reason)
        self._seen = {path: (state, self._seen_at(path, state)) for path, state in seen.items()}
        self._cut_off = {path: state for path, state in self._cut_off.items() if path in seen}
        return moved

    def _seen_at(self, path: Path, state: tuple[int, int, int]) -> float:
        """Return when the file was first seen in this state."""
        before, at = self._seen.get(path, (None, 0.0))
        return at if before == state else time.monotonic()

    def _is_settled(self, path: Path, state: tuple[int, int, int]) -> bool:
        """Return whether size and times were equal twice, `settle_s` apart."""
        before, at = self._seen.get(path, (None, 0.0))
        is_still = before == state and time.monotonic() - at >= self._settle_s
        return is_still and not (self._cut_off.get(path) == state and not _is_stale(state))

    def _take(self, path: Path, inner: Path, state: tuple[int, int, int]) -> bool:
        """Accept or refuse one file; return whether it was moved away."""
        content = self._inbox.new_content()
        try:
            if path.stat().st_size > self._limit:
                raise InputError(f"file: expected at most {self._limit // 1024**2} MB, found more")
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    content.write(piece)
            if _state_of(path) != state:
                return False  # it changed while it was read
            receipt = self._inbox.take_content(content, caller=CALLER, route=Route.WATCH)
        except InputError as error:
            if isinstance(error, IncompleteError) and not _is_stale(state):
                self._cut_off[path] = state  # looked at again once it changes
                return False
            target = self._move(path, REFUSED, inner)
            reason = target.with_name(target.name + ".reason.txt")
            reason.write_text(f"{error}\n")
            reason.chmod(0o600)
            logger.warning("refused", route="watch", reason=str(error))
            self._inbox.note_refusal(error, caller=CALLER)
        else:
            self._move(path, TAKEN, inner)
            logger.info("received", study=hashed(receipt.study_uid), route="watch", new=receipt.new)
        finally:
            content.discard()
        return True

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
