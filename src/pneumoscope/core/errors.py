"""The error tree, and the one table from an error to a process's exit code.

    PneumoscopeError
    ├── InputError            their image, file or numbers
    │   └── UnreadableError   one image could not be read; becomes a visible `failed` result
    ├── ConfigError           their command line, configuration or output folder
    ├── ArtifactError         our model or evidence files
    ├── RemoteError           the PACS or another peer
    └── CapacityError         our disk or queue has no room now; the same request may succeed later

A message says what was expected, what came and which object; never patient data.
"""


class PneumoscopeError(Exception):
    """Everything that this package raises on purpose."""


class InputError(PneumoscopeError):
    """An image, file or array that a caller gave us is not what it must be."""


class UnreadableError(InputError):
    """One image could not be read; carries what the result line says about it."""

    def __init__(self, check: str, *, expected: str, found: str, path: str) -> None:
        super().__init__(f"{path}: {check}: expected {expected}, found {found}")
        self.check = check
        self.expected = expected
        self.found = found
        self.path = path


class ConfigError(PneumoscopeError):
    """A command line, configuration file or output folder that cannot be used."""


class ArtifactError(PneumoscopeError):
    """A model or evidence file is missing, damaged or of another kind than it says."""


class RemoteError(PneumoscopeError):
    """A peer (PACS, web service) refused or did not answer."""


class CapacityError(PneumoscopeError):
    """The disk or the queue cannot take more now; the sender may try again later."""


EXIT_DONE = 0
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_PARTIAL = 3
EXIT_INTERRUPTED = 130

_EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyboardInterrupt, EXIT_INTERRUPTED),
    (InputError, EXIT_PARTIAL),
    (ConfigError, EXIT_USAGE),
    (ArtifactError, EXIT_FAULT),
    (RemoteError, EXIT_FAULT),
    (CapacityError, EXIT_FAULT),
)


def exit_code(error: BaseException) -> int:
    """Exit code for an error that ended a command: 1 our fault, 2 wrong use, 3 unreadable input, 130 interrupted."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), EXIT_FAULT)
