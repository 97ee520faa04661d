"""The one place that turns what third-party parsers and decoders raise into `UnreadableError`."""

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pneumoscope.core import PneumoscopeError, UnreadableError

_LONGEST_QUOTE = 80


@contextmanager
def third_party(check: str, *, expected: str, path: str) -> Iterator[None]:
    """Run a third-party parser or decoder on bytes that nobody vouches for.

    Raises:
        UnreadableError: The block raised anything but one of our own errors.
    """
    try:
        yield
    except PneumoscopeError:
        raise
    except Exception as error:
        raise UnreadableError(check, expected=expected, found=in_words(error), path=path) from error


class LimitError(Exception):
    """A parser was stopped by one of our limits; the message says by which, in words."""


def in_words(error: Exception) -> str:
    """Return what a third-party parser or decoder met, in our words; its own in brackets where they say more."""
    if isinstance(error, LimitError):
        return str(error)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, RecursionError):
        cause = cause.__cause__ or cause.__context__  # pydicom wraps whatever it meets while it reads a tag
    met = cause or error
    words = next((words for kind, words in _WORDS if isinstance(met, kind)), None)
    if words is None:
        said = quoted(error).rstrip(".")
        words = f"one that is damaged ({said})" if said else "one that is damaged"
    return words


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (RecursionError, "sequences nested deeper than can be read"),
    (MemoryError, "more than fits into memory"),
    (EOFError, "one that ends too early"),
    (struct.error, "one that ends too early"),
    (KeyError, "one that is damaged"),
    (IndexError, "one that is damaged"),
    (AttributeError, "one that is damaged"),
    (TypeError, "one that is damaged"),
)


def quoted(value: object) -> str:
    """`value` as one short printable line, for the `found` of a check or an error."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"


def quieten_pydicom() -> None:
    """Keep pydicom's remarks on malformed values (warnings and log lines) from the process's standard error.

    They may quote patient data, and what matters of them is in the checks. For the owner of the process
    (`cli`, `service`) to call once, before threads start: warning filters and loggers belong to the process.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
