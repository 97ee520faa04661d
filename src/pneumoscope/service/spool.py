"""The spool: objects and result files on disk, each whole and safe (fsync) before anyone is told that it is there.

    spool/
      incoming/               objects on their way in; what is an hour old never arrived whole, and is deleted
      objects/ab/<name>.dcm   as received, behind file meta information
      results/ab/<name>/      sr.dcm sc.dcm gsps.dcm not-analysed.dcm heat.png image.json
      studies/<name>.json     results of studies, .hl7 as messages
      queue.db                the SQLite queue, unless the configuration names another database

Folders have mode 0700 and files 0600: they hold patients' data.
`<name>` is a digest of the SOP Instance UID (of the Study Instance UID), so that no name comes from outside.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pneumoscope.core import CapacityError, ConfigError

_MIB = 1024 * 1024
_PRIVATE = 0o700
_FOLDERS = ("incoming", "objects", "results", "studies")


class Spool:
    """One spool folder; safe in any thread, and to be shared by several nodes on one file system."""

    def __init__(self, root: Path, *, min_free_mb: int = 0) -> None:
        """Make the folders.

        Raises:
            ConfigError: They cannot be made.
        """
        self.root = root
        self._min_free_mb = min_free_mb
        try:
            make_private(root)
            for folder in _FOLDERS:
                make_private(root / folder)
            for folder in ("objects", "results"):
                for number in range(256):
                    (root / folder / f"{number:02x}").mkdir(mode=_PRIVATE, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"store.path: expected a writable folder, found {root}: {error.strerror}") from error

    def require_space(self, size_bytes: int = 0) -> None:
        """Raise while there is little room, before the disk is full.

        Raises:
            CapacityError: Less than the configured space would be left.
        """
        try:
            free_mb = (shutil.disk_usage(self.root).free - size_bytes) // _MIB
        except OSError as error:
            raise CapacityError(f"spool: expected a readable disk, found {error.strerror}") from error
        if free_mb < self._min_free_mb:
            raise CapacityError(f"spool: expected {self._min_free_mb} MB free, found {max(free_mb, 0)} MB")

    def has_space(self) -> bool:
        """Return whether new objects are accepted."""
        try:
            self.require_space()
        except CapacityError:
            return False
        return True

    def open_incoming(self) -> tuple[BinaryIO, Path]:
        """Open a new file for an object on its way in; who opens it deletes or stores it.

        Raises:
            OSError: The disk is full or failed.
        """
        handle, name = tempfile.mkstemp(dir=self.root / "incoming")
        return os.fdopen(handle, "wb"), Path(name)

    def add_object(self, uid: str, parts: Iterable[bytes | memoryview]) -> tuple[str, bool]:
        """Write an object; return its path within the spool, and whether it is new: an earlier one is never replaced.

        Raises:
            CapacityError: The disk is full or failed.
        """
        with _on_disk(), self.temporary() as temporary:
            with temporary.open("wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            return self.add_file(uid, temporary)

    def add_file(self, uid: str, file: Path) -> tuple[str, bool]:
        """File an object that is in `incoming` already, whole and synced; returns as `add_object` does.

        Raises:
            CapacityError: The disk is full or failed.
        """
        relative = f"objects/{_shard(uid)}.dcm"
        with _on_disk():
            try:
                os.link(file, self.root / relative)
            except FileExistsError:
                return relative, False
            _sync_folder((self.root / relative).parent)
        return relative, True

    def replace_object(self, uid: str, parts: Iterable[bytes | memoryview]) -> str:
        """Write an object in place of the one under its UID; return its path within the spool.

        Raises:
            CapacityError: The disk is full or failed.
        """
        relative = f"objects/{_shard(uid)}.dcm"
        with _on_disk(), self.temporary() as temporary:
            with temporary.open("wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.root / relative)
            _sync_folder((self.root / relative).parent)
        return relative

    def write_result(self, uid: str, files: dict[str, bytes]) -> str:
        """Write result files, each whole, in place of older ones; return their folder within the spool.

        Raises:
            CapacityError: The disk is full or failed.
        """
        relative = f"results/{_shard(uid)}"
        folder = self.root / relative
        with _on_disk():
            folder.mkdir(mode=_PRIVATE, exist_ok=True)
            for name, content in files.items():
                self._write(folder / name, content)
            _sync_folder(folder)
            _sync_folder(folder.parent)
        return relative

    def write_study(self, uid: str, content: bytes, *, suffix: str = ".json") -> str:
        """Write a study's result; return the file's path within the spool.

        Its name holds a digest of the content.

        Raises:
            CapacityError: The disk is full or failed.
        """
        relative = f"studies/{_digest(uid)}-{hashlib.sha256(content).hexdigest()[:8]}{suffix}"
        with _on_disk():
            self._write(self.root / relative, content)
            _sync_folder((self.root / relative).parent)
        return relative

    def path(self, relative: str) -> Path:
        """Return where a file of the spool is.

        Raises:
            ValueError: The path leads out of the spool.
        """
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ValueError(f"expected a path within the spool, found {relative!r}")
        return path

    def delete(self, relative: str | None) -> None:
        """Delete a file or folder of the spool, if it is there."""
        if relative is None:
            return
        path = self.path(relative)
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def objects(self) -> Iterator[tuple[str, Path]]:
        """Yield path within the spool, and path, of every object."""
        for folder in sorted((self.root / "objects").iterdir()):
            for path in sorted(folder.glob("*.dcm")):
                yield f"objects/{folder.name}/{path.name}", path

    def forget(self, folder: str, *, before: float, but: Container[str] = ()) -> None:
        """Delete a folder's own files of that time (seconds since 1970) and before, but not those paths.

        Files that another thread or node deletes meanwhile are passed over.
        """
        for path in (self.root / folder).iterdir():
            with suppress(FileNotFoundError):
                if f"{folder}/{path.name}" not in but and path.stat().st_mtime <= before:
                    path.unlink()

    def delete_image(self, uid: str) -> None:
        """Delete the object of that SOP Instance UID and its results, whatever is there."""
        self.delete(f"objects/{_shard(uid)}.dcm")
        self.delete(f"results/{_shard(uid)}")

    def delete_study(self, uid: str) -> None:
        """Delete the results of the study as a whole."""
        for path in (self.root / "studies").glob(f"{_digest(uid)}-*"):
            path.unlink(missing_ok=True)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Make a new file on the spool's file system, gone at the end of the block if it is still there."""
        handle, name = tempfile.mkstemp(dir=self.root / "incoming")
        os.close(handle)
        path = Path(name)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        with self.temporary() as temporary:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if temporary.read_bytes() != content:
                raise OSError(errno.EIO, "a file that differs from what was written")
            temporary.replace(path)


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter, or take others' rights to an existing one away.

    Raises:
        OSError: It cannot be made, or belongs to somebody else.
    """
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(_PRIVATE)


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CapacityError(f"spool: expected a disk with free space, found {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Make the folder's new names survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:40]


def _shard(uid: str) -> str:
    digest = _digest(uid)
    return f"{digest[:2]}/{digest}"
