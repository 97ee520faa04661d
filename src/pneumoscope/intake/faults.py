"""The one place that turns what third-party parsers and decoders raise into `UnreadableError`."""

import logging
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
        found = f"{type(error).__name__}: {quoted(error)}" if str(error) else type(error).__name__
        raise UnreadableError(check, expected=expected, found=found, path=path) from error


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
