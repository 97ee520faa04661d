"""`pneumoscope`: the map of commands, and the one place where an error becomes a line and an exit code."""

import logging
import sys
import warnings

import click
import typer

from pneumoscope import __version__
from pneumoscope.cli.check import check
from pneumoscope.cli.demo import demo
from pneumoscope.cli.evaluate import evaluate
from pneumoscope.cli.export import export
from pneumoscope.cli.read import read
from pneumoscope.cli.train import train
from pneumoscope.core import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, PneumoscopeError, exit_code

_HELP = "Reads chest radiographs for signs of pneumonia. Research use only, not a medical device."

app = typer.Typer(
    help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
)
for command, panel in (
    (demo, "Read"),
    (read, "Read"),
    (check, "Read"),
    (train, "Build the model"),
    (export, "Build the model"),
    (evaluate, "Build the model"),
):
    app.command(rich_help_panel=panel)(command)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run a command and leave with its exit code: 0 done, 1 our fault, 2 wrong use, 3 partly read, 130 interrupted."""
    # Libraries remark on other people's files by warning and log; what matters of it is in our results.
    warnings.simplefilter("ignore")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.exceptions.Abort):
        typer.echo("pneumoscope: interrupted; what was done is written", err=True)
        return EXIT_INTERRUPTED
    except PneumoscopeError as error:
        typer.echo(f"pneumoscope: {error}", err=True)
        return exit_code(error)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        return EXIT_DONE
    except ModuleNotFoundError as error:
        typer.echo(
            f"pneumoscope: this command needs the extra `train`: pip install 'pneumoscope[train]' ({error})", err=True
        )
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_DONE
