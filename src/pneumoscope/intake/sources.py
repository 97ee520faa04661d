"""Finding images: files as given, folders recursively, zips member by member; nothing is dropped in silence."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISREG

from pneumoscope.core import UnreadableError
from pneumoscope.intake.archive import ZIP_MAGIC, ZipMember, is_index_or_hidden, list_members
from pneumoscope.intake.limits import MAX_FILE_BYTES

_MAGIC_BYTES = 132


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """One input that must get one line of result.

    Attributes:
        path: Display name; a zip member is `archive.zip!/folder/file.dcm`.
        location: Where its bytes are, or the bytes themselves.
        problem: Why it cannot be read, where that is known already; `read_bytes` raises it.
    """

    path: str
    location: Path | ZipMember | bytes
    problem: UnreadableError | None = None

    def read_bytes(self) -> bytes:
        """Return the whole content, within `MAX_FILE_BYTES`.

        Raises:
            UnreadableError: There is a problem, or the file is missing, unreadable or too large.
        """
        if self.problem is not None:
            raise self.problem
        if isinstance(self.location, bytes):
            return self.location
        try:
            if isinstance(self.location, ZipMember):
                return self.location.read()
            return _file_content(self.location)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise UnreadableError("file", expected="a readable file", found=reason(error), path=self.path) from error


def find_images(paths: Iterable[Path]) -> Iterator[ImageSource]:
    """Yield every input under `paths`, one source each, lazily and in a fixed order.

    A file is taken as given, whatever it is. A folder is walked, names in order at each level. A zip archive
    (told by its content) is opened member by member; an archive within it is one unreadable source. What
    cannot be read becomes a source whose `read_bytes` says why: a missing path, a locked folder, a device, a
    link to a folder met on the walk (it could be a loop). Passed over in folders and zips: hidden files, and
    DICOMDIR (PS3.10 Section 8.6: an index without images).
    """
    for path in paths:
        if _is_folder(path):
            yield from _in_folder(path)
        else:
            yield from _in_file(path)


def source_of(path: Path) -> ImageSource:
    """Return a source for one file, not opened as an archive."""
    return ImageSource(path=_display(path), location=path)


def _in_folder(root: Path) -> Iterator[ImageSource]:
    levels: list[Iterator[Path]] = [iter((root,))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif not _is_folder(entry):
            yield from _in_file(entry)
        elif entry.is_symlink() and entry != root:
            yield _without_content(entry, expected="a file or folder", found="a link to a folder, not followed")
        else:
            try:
                levels.append(_shown(entry))
            except OSError as error:
                yield _without_content(entry, expected="a readable folder", found=reason(error))


def _shown(folder: Path) -> Iterator[Path]:
    # Names alone, not Path or DirEntry objects: the listing of a million files stays small.
    names = sorted(os.listdir(folder))  # noqa: PTH208
    return (folder / name for name in names if not is_index_or_hidden(PurePosixPath(name)))


def _in_file(path: Path) -> Iterator[ImageSource]:
    try:
        if not _is_archive(path):
            yield source_of(path)
            return
        for member in list_members(path):
            if isinstance(member, UnreadableError):
                yield ImageSource(path=member.path, location=path, problem=member)
            else:
                yield ImageSource(path=member.path, location=member)
    except UnreadableError as error:
        yield ImageSource(path=_display(path), location=path, problem=error)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        yield _without_content(path, expected="a readable file", found=reason(error))


def _is_archive(path: Path) -> bool:
    """Return whether the content is a zip's, not a DICOM file's, whose first 128 bytes may be anything (PS3.10)."""
    if not S_ISREG(path.stat().st_mode):
        return False
    with path.open("rb") as file:
        start = file.read(_MAGIC_BYTES)
    return start.startswith(ZIP_MAGIC) and not start.endswith(b"DICM")


def _file_content(path: Path) -> bytes:
    display = _display(path)
    if not S_ISREG(path.stat().st_mode):  # before opening: a pipe would wait for a writer
        raise UnreadableError("file", expected="a file", found="a folder, pipe or device", path=display)
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError("size", expected=f"at most {MAX_FILE_BYTES:,} bytes", found="more", path=display)
    return content


def _without_content(path: Path, *, expected: str, found: str) -> ImageSource:
    problem = UnreadableError("file", expected=expected, found=found, path=_display(path))
    return ImageSource(path=_display(path), location=path, problem=problem)


def _is_folder(path: Path) -> bool:
    # Not Path.is_dir, which raises where a folder above is locked.
    return os.path.isdir(path)  # noqa: PTH112


def _display(path: Path) -> str:
    """Return the path as text that any file can hold: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def reason(error: OSError | ValueError) -> str:
    """Return why a file cannot be read, in the operating system's words."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
