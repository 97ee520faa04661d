"""Lookup tables of the standard: Modality LUT (PS3.3 C.11.1.1) and VOI LUT (PS3.3 C.11.2.1.1)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from pydicom import Dataset

from pneumoscope.intake.header import items, numbers

Values = Float64[np.ndarray, " levels"]

_MOST_ENTRIES = 65536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookupTable:
    """Entries for the input values `first`, `first` + 1, ...; values beyond its ends take its end entries.

    Attributes:
        declared_bits: Bits an entry by the descriptor, which many devices get wrong; `bits` is what entries need.
    """

    first: int
    declared_bits: int
    entries: Values

    @property
    def bits(self) -> int:
        """Bits that the largest entry needs: the table's real range."""
        return max(1, int(self.entries.max()).bit_length())

    @property
    def grey(self) -> Values:
        """The entries as grey values in [0, 1]."""
        return np.asarray(self.entries / (2**self.bits - 1))

    def apply(self, values: Values) -> Values:
        """Return the entry for each value, rounded to a whole one first."""
        taken: Values = np.take(self.entries, self._index(values), mode="clip")
        return taken

    def _index(self, values: Values) -> np.ndarray:
        place: np.ndarray = np.rint(values - self.first).astype(np.intp)
        return place

    def __str__(self) -> str:
        said = "" if self.bits == self.declared_bits else f" (the descriptor says {self.declared_bits})"
        return f"{len(self.entries)} entries of {self.bits} bits{said} from {self.first}"


def first_table(header: Dataset, keyword: str, *, signed: bool) -> LookupTable | None:
    """Return the first usable table of a LUT sequence; None where there is none.

    Args:
        header: The image's header, which knows how words are coded.
        keyword: `ModalityLUTSequence` or `VOILUTSequence`.
        signed: Whether the values that go in may be negative; then so may be the first one mapped.
    """
    return next(iter(tables(header, keyword, signed=signed)), None)


def tables(header: Dataset, keyword: str, *, signed: bool) -> tuple[LookupTable, ...]:
    """Return the usable tables of a LUT sequence, in order: those with as many entries as their descriptors say."""
    found = (
        _table(item, signed=signed, big_endian=header.original_encoding[1] is False) for item in items(header, keyword)
    )
    return tuple(table for table in found if table is not None)


def _table(item: Dataset, *, signed: bool, big_endian: bool) -> LookupTable | None:
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(value) for value in descriptor)
    count = count % _MOST_ENTRIES or _MOST_ENTRIES  # 0 stands for 65,536, which a 16-bit number cannot hold
    if signed and first >= _MOST_ENTRIES // 2:
        first -= _MOST_ENTRIES
    entries = _entries(item, count=count, big_endian=big_endian)
    return None if entries is None else LookupTable(first=first, declared_bits=bits, entries=entries)


def _entries(item: Dataset, *, count: int, big_endian: bool) -> Values | None:
    data = item.get("LUTData")
    if isinstance(data, bytes):
        # 8-bit entries may be packed two to a word.
        packed = len(data) < 2 * count and len(data) in {count, count + count % 2}
        if len(data) < 2 * count and not packed:
            return None
        kind = "u1" if packed else f"{'>' if big_endian else '<'}u2"
        return np.frombuffer(data, dtype=kind, count=count).astype(np.float64)
    words = numbers(item, "LUTData")
    if len(words) != count or min(words) < 0:
        return None
    return np.array(words)
