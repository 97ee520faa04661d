"""Exit codes: the one place where an error becomes a line on standard error and an exit code."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from pneumoscope.core import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, PneumoscopeError, exit_code

# By the file of a command; others run with [data] until they ask for a module of [train].
_EXTRAS = {"train": "train", "export": "train", "dossier": "dossier", "plan": "dossier"}
_DATA_MODULES = ("pandas", "pyarrow", "pandera", "scipy", "sklearn", "matplotlib")


def with_exit_code(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap the command: report its expected errors in one line and turn them into exit codes."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except KeyboardInterrupt:
            raise _ended("interrupted; what was done is written", EXIT_INTERRUPTED) from None
        except PneumoscopeError as error:
            raise _ended(str(error), exit_code(error)) from error
        except ModuleNotFoundError as error:
            install = f"pip install 'pneumoscope[{_extra(command, error)}]'"
            raise _ended(f"this command needs more than the base install: {install} ({error})", EXIT_USAGE) from error
        except BrokenPipeError:  # the reader of our output went away, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_DONE) from None

    return run


def _extra(command: Callable[..., None], error: ModuleNotFoundError) -> str:
    """Return the smallest extra of pyproject.toml that the command runs with."""
    module = (error.name or "").partition(".")[0]
    return _EXTRAS.get(command.__module__.rpartition(".")[2]) or ("data" if module in _DATA_MODULES else "train")


def _ended(message: str, code: int) -> typer.Exit:
    typer.echo(f"pneumoscope: {message}", err=True)
    return typer.Exit(code)
