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
    """Entries for the input values `first`, `first` + 1, ...; values beyond its ends take its end entries."""

    first: int
    bits: int
    entries: Values

    def apply(self, values: Values) -> Values:
        """The entry for each value, rounded to a whole one first."""
        index = np.rint(values - self.first)
        entries: Values = np.take(self.entries, index.astype(np.intp), mode="clip")
        return entries

    def __str__(self) -> str:
        return f"{len(self.entries)} entries of {self.bits} bits from {self.first}"


def first_table(header: Dataset, keyword: str, *, signed: bool) -> LookupTable | None:
    """The table of a LUT sequence's first item; None where there is none, or its descriptor and data do not agree.

    Args:
        header: The image's header, which knows how words are coded.
        keyword: `ModalityLUTSequence` or `VOILUTSequence`.
        signed: Whether the values that go in may be negative; then so may be the first one mapped.
    """
    if not (tables := items(header, keyword)):
        return None
    item = tables[0]
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(value) for value in descriptor)
    count = count % _MOST_ENTRIES or _MOST_ENTRIES  # 0 stands for 65,536, which a 16-bit number cannot hold
    if signed and first >= _MOST_ENTRIES // 2:
        first -= _MOST_ENTRIES
    entries = _entries(item, count=count, big_endian=header.original_encoding[1] is False)
    if entries is None or not 1 <= bits <= 16 or entries.max() >= 2**bits:
        return None
    return LookupTable(first=first, bits=bits, entries=entries)


def _entries(item: Dataset, *, count: int, big_endian: bool) -> Values | None:
    data = item.get("LUTData")
    if isinstance(data, bytes):
        # 8-bit entries may be packed two to a word.
        width = 2 if len(data) >= 2 * count else 1
        kind = f"{'>' if big_endian else '<'}u{width}"
        if len(data) < width * count:
            return None
        return np.frombuffer(data, dtype=kind, count=count).astype(np.float64)
    words = numbers(item, "LUTData")
    if len(words) != count or min(words) < 0:
        return None
    return np.array(words)
