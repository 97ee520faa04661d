"""Finding images: files as given, folders recursively, zips member by member; nothing is dropped in silence."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumoscope.core import UnreadableError
from pneumoscope.intake.archive import ZIP_MAGIC, ZipMember, is_index_or_hidden, list_members
from pneumoscope.intake.limits import MAX_FILE_BYTES

_MAGIC_BYTES = 132


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """One input that must get one line of result.

    Attributes:
        path: Display name; a zip member is `archive.zip!/folder/file.dcm`.
        location: Where its bytes are.
        problem: Why it cannot be read, where that is known already; `read_bytes` raises it.
    """

    path: str
    location: Path | ZipMember
    problem: UnreadableError | None = None

    def read_bytes(self) -> bytes:
        """The whole content, within `MAX_FILE_BYTES`.

        Raises:
            UnreadableError: There is a problem, or the file is missing, unreadable or too large.
        """
        if self.problem is not None:
            raise self.problem
        try:
            if isinstance(self.location, ZipMember):
                return self.location.read()
            return _file_content(self.location, self.path)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error


def find_images(paths: Iterable[Path]) -> Iterator[ImageSource]:
    """Every input under `paths`, one source each, lazily and in a fixed order.

    A file is taken as given, whatever it is. A folder is walked, names in order at each level; a zip archive
    (told by its content) is opened member by member, and an archive within it is one unreadable source. What
    cannot be read becomes a source whose `read_bytes` says why: a missing path, a locked folder, a linked
    folder (it could be a loop), a device. Passed over in folders and zips: hidden files, and DICOMDIR (PS3.10:
    an index without images).
    """
    for path in paths:
        if path.is_dir() if _accessible(path) else False:
            yield from _in_folder(path)
        else:
            yield from _in_file(path)


def source_of(path: Path) -> ImageSource:
    """A source for one file, not opened as an archive."""
    return ImageSource(path=_display(path), location=path)


def _in_folder(root: Path) -> Iterator[ImageSource]:
    levels: list[Iterator[Path]] = [iter((root,))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif not os.path.isdir(entry):  # noqa: PTH112  Path.is_dir raises where a folder above is locked
            yield from _in_file(entry)
        elif entry.is_symlink() and entry != root:
            yield _problem(entry, expected="a file or folder", found="a link to a folder, not followed")
        else:
            try:
                names = sorted(os.listdir(entry))  # noqa: PTH208  names alone: a folder of a million files stays small
            except OSError as error:
                yield ImageSource(path=_display(entry), location=entry, problem=_unreadable(_display(entry), error))
                continue
            levels.append(entry / n for n in names) if False else levels.append(_shown(entry, names))


def _shown(folder: Path, names: list[str]) -> Iterator[Path]:
    return (folder / name for name in names if not is_index_or_hidden(PurePosixPath(name)))


def _in_file(path: Path) -> Iterator[ImageSource]:
    try:
        archive = _is_archive(path)
        if not archive:
            yield source_of(path)
            return
        for member in list_members(path):
            if isinstance(member, UnreadableError):
                yield ImageSource(path=member.path, location=path, problem=member)
            else:
                yield ImageSource(path=member.path, location=member)
    except UnreadableError as error:
        yield ImageSource(path=_display(path), location=path, problem=error)
    except (OSError, ValueError) as error:
        yield ImageSource(path=_display(path), location=path, problem=_unreadable(_display(path), error))
