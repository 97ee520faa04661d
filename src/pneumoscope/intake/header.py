"""Reading the header's attributes: text, numbers, sequences.

Text whose bytes are not in the declared character set is kept as bytes (see `charset`), and is no text here.
"""

from collections.abc import Iterator

from pydicom import Dataset, Sequence
from pydicom.multival import MultiValue


def texts(header: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the attribute's values as text without padding; none where it is absent, empty or undecodable."""
    value = header.get(keyword)
    if isinstance(value, bytes):
        return ()
    values = value if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
    return tuple(text for text in (str(v).strip() for v in values) if text)


def text(header: Dataset, keyword: str) -> str:
    r"""Return the attribute's values as one text, joined by `\` as in the file; empty where it is absent."""
    return "\\".join(texts(header, keyword))


def integer(header: Dataset, keyword: str, *, absent: int | None = None) -> int | None:
    """Return the attribute's single whole number; `absent` where it has no value, None where it is anything else."""
    value = header.get(keyword)
    if value is None or value == "":
        return absent
    return int(value) if isinstance(value, int) else None


def numbers(header: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the attribute's values as numbers; none where it is absent or one of them is not a number."""
    try:
        return tuple(float(value) for value in texts(header, keyword))
    except ValueError:
        return ()


def items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; none where it is absent, empty or not a sequence."""
    value = header.get(keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def codes(header: Dataset, keyword: str) -> Iterator[tuple[str, str, str]]:
    """Yield (coding scheme, code value, meaning) of each item of a code sequence (PS3.3 Section 8.8)."""
    for item in items(header, keyword):
        yield text(item, "CodingSchemeDesignator"), text(item, "CodeValue"), text(item, "CodeMeaning")
