"""`pneumoscope`: the application, its version and its entry point; `commands` lists what it offers."""

import warnings
from typing import Annotated

import typer

from pneumoscope import __version__
from pneumoscope.cli.commands import Root

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)


def main() -> None:
    """Run a command and leave with its exit code: 0 done, 1 our fault, 2 wrong use, 3 partly read, 130 interrupted."""
    # Libraries remark on other people's files by warnings; what matters of it is in our results.
    warnings.simplefilter("ignore")
    app()


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pneumoscope {__version__}")
        raise typer.Exit


@app.callback(epilog="pneumoscope demo\npneumoscope read STUDIES -o results\npneumoscope COMMAND --help")
def _map(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Print the version.")
    ] = False,
) -> None:
    """Read chest radiographs for signs of pneumonia. Research use only, not a medical device."""
