"""Zip members as images: listed with one pass over the directory, inflated one at a time, never written to disk."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumoscope.core import UnreadableError
from pneumoscope.intake.compression import inflate
from pneumoscope.intake.faults import third_party
from pneumoscope.intake.limits import (
    INFLATION_FREE_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_FILE_BYTES,
    MAX_INFLATION,
)

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipMember:
    """Where one member lies in its archive, so that any thread can read it without the archive's directory."""

    archive: Path
    name: str
    offset: int
    method: int
    compressed_size: int
    size: int
    crc: int

    @property
    def path(self) -> str:
        """Display name, `archive.zip!/folder/file.dcm`."""
        return f"{self.archive}!/{self.name}"

    def read(self) -> bytes:
        """Return the member's bytes.

        Raises:
            UnreadableError: It is cut off, damaged, compressed in an unknown way or larger than it says.
            OSError: The archive cannot be read.
        """
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            local = file.read(_LOCAL_HEADER.size)
            if len(local) < _LOCAL_HEADER.size or not local.startswith(ZIP_MAGIC[0]):
                raise self._damaged("a local file header", found="none where the directory says")
            _, name_length, extra_length = _LOCAL_HEADER.unpack(local)
            file.seek(name_length + extra_length, io.SEEK_CUR)
            stored = file.read(self.compressed_size)
        if len(stored) != self.compressed_size:
            raise self._damaged(f"{self.compressed_size:,} compressed bytes", found=f"{len(stored):,}")
        content = self._expanded(stored)
        if len(content) != self.size or zlib.crc32(content) != self.crc:
            raise self._damaged("the size and checksum of the directory", found="others")
        return content

    def _expanded(self, stored: bytes) -> bytes:
        if self.method == zipfile.ZIP_STORED:
            return stored
        if self.method == zipfile.ZIP_DEFLATED:
            return inflate(stored, limit=self.size, check="archive", path=self.path)
        raise self._damaged("a stored or deflated member", found=f"compression method {self.method}")

    def _damaged(self, expected: str, *, found: str) -> UnreadableError:
        return UnreadableError("archive", expected=expected, found=found, path=self.path)


def list_members(archive: Path) -> Iterator[ZipMember | UnreadableError]:
    """Yield each file in the archive in order of its name, or why it will not be read; folders are left out.

    Hidden files and DICOMDIR are left out as in a folder.

    Raises:
        UnreadableError: The archive is damaged, or a bomb as a whole.
        OSError: The archive cannot be read.
    """
    with third_party("archive", expected="a readable zip archive", path=str(archive)):
        infos = [info for info in _directory(archive) if not info.is_dir()]
    infos.sort(key=lambda info: info.filename)
    total = sum(info.file_size for info in infos)
    _refuse_bomb(str(archive), size=total, compressed_size=archive.stat().st_size)
    for info in infos:
        if not is_index_or_hidden(PurePosixPath(info.filename)):
            try:
                yield _member(archive, info)
            except UnreadableError as error:
                yield error


def is_index_or_hidden(path: PurePosixPath) -> bool:
    """Return whether a file is left out of a search: hidden files and DICOMDIR, an index without images (PS3.10)."""
    return path.name.upper() == "DICOMDIR" or any(
        part.startswith(".") and part not in {".", ".."} for part in path.parts
    )


class _BoundedFile(io.FileIO):
    """A file whose single reads are bounded: `zipfile` reads a directory of any declared size in one go."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory of {size:,} bytes, at most {MAX_DIRECTORY_BYTES:,} are read")
        return super().read(size) or b""


def _directory(archive: Path) -> list[zipfile.ZipInfo]:
    with _BoundedFile(archive) as file, zipfile.ZipFile(file) as directory:
        return directory.infolist()


def _member(archive: Path, info: zipfile.ZipInfo) -> ZipMember:
    member = ZipMember(
        archive=archive,
        name=info.filename,
        offset=info.header_offset,
        method=info.compress_type,
        compressed_size=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
    )
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
        found = "one that leaves it"
        raise UnreadableError("archive", expected="a name inside the archive", found=found, path=member.path)
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableError("archive", expected="a member without password", found="encrypted", path=member.path)
    if max(info.file_size, info.compress_size) > MAX_FILE_BYTES:
        found = f"{info.file_size:,}"
        raise UnreadableError("size", expected=f"at most {MAX_FILE_BYTES:,} bytes", found=found, path=member.path)
    _refuse_bomb(member.path, size=info.file_size, compressed_size=info.compress_size)
    return member


def _refuse_bomb(path: str, *, size: int, compressed_size: int) -> None:
    if size > INFLATION_FREE_BYTES and size > MAX_INFLATION * compressed_size:
        found = f"{size:,} bytes from {compressed_size:,}"
        raise UnreadableError("archive", expected=f"inflation by at most {MAX_INFLATION}", found=found, path=path)
