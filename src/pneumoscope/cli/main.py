"""`pneumoscope`: the map of commands, and the one place where an error becomes a line and an exit code."""

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pneumoscope import __version__
from pneumoscope.cli.ablate import ablate
from pneumoscope.cli.acceptance import acceptance
from pneumoscope.cli.adopt import adopt
from pneumoscope.cli.check import check
from pneumoscope.cli.conformance import conformance
from pneumoscope.cli.data import DATA_COMMANDS, IMPORTERS
from pneumoscope.cli.demo import demo
from pneumoscope.cli.doctor import doctor
from pneumoscope.cli.dossier import SUBCOMMANDS, dossier
from pneumoscope.cli.eda import eda
from pneumoscope.cli.evaluate import evaluate
from pneumoscope.cli.examples import epilog
from pneumoscope.cli.export import export
from pneumoscope.cli.plan import plan
from pneumoscope.cli.predict import predict
from pneumoscope.cli.pretrain import pretrain
from pneumoscope.cli.purge import purge
from pneumoscope.cli.read import read
from pneumoscope.cli.readers import readers
from pneumoscope.cli.serve import serve
from pneumoscope.cli.token import token
from pneumoscope.cli.train import train
from pneumoscope.core import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, PneumoscopeError, exit_code

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    """Run a command and leave with its exit code: 0 done, 1 our fault, 2 wrong use, 3 partly read, 130 interrupted."""
    # Libraries remark on other people's files by warnings; what matters of it is in our results.
    warnings.simplefilter("ignore")
    app()


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pneumoscope {__version__}")
        raise typer.Exit


@app.callback()
def _map(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_say_version)] = False,
) -> None:
    """Read chest radiographs for signs of pneumonia. Research use only, not a medical device."""


# By the file of a command; others run with [data] until they ask for a module of [train].
_EXTRAS = {"train": "train", "export": "train", "dossier": "dossier", "plan": "dossier"}
_DATA_MODULES = ("pandas", "pyarrow", "pandera", "scipy", "sklearn", "matplotlib")


def _with_exit_code(command: Callable[..., None]) -> Callable[..., None]:
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


_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Read": (demo, read, check, doctor),
    "In the clinic": (serve, acceptance, conformance, token, purge),
    "Build a model": (eda, pretrain, train, export, adopt, predict, evaluate, readers, ablate),
    "Submission": (plan,),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel, epilog=epilog(_command.__name__))(_with_exit_code(_command))

_data = typer.Typer(no_args_is_help=True, help="Data sets: manifest, splits, audit, cache, data sheet, download.")
_import = typer.Typer(no_args_is_help=True, help="A data set to a manifest, one command a kind.")
for _kind, _importer in IMPORTERS.items():
    _import.command(_kind)(_with_exit_code(_importer))
_data.add_typer(_import, name="import")
for _step in DATA_COMMANDS:
    _data.command(epilog=epilog(_step.__name__))(_with_exit_code(_step))
app.add_typer(_data, name="data", rich_help_panel="Build a model")

_dossier = typer.Typer(invoke_without_command=True)
_dossier.callback()(_with_exit_code(dossier))
for _subcommand in SUBCOMMANDS:
    _dossier.command()(_with_exit_code(_subcommand))
app.add_typer(_dossier, name="dossier", rich_help_panel="Submission")
