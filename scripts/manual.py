"""The command reference as Markdown for the site, and as a man page, from the commands themselves.

python scripts/manual.py man FOLDER       writes FOLDER/pneumoscope.1
python scripts/manual.py markdown         prints docs/reference/commands.md as the site has it
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import typer
from typer.core import TyperGroup, TyperOption

from pneumoscope import __version__
from pneumoscope.cli.main import app

_MARKUP = re.compile(r"\[/?[a-z ]+\]")


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Yield each command with its full name, groups opened, in the order of the help page."""
    yield from _below(typer.main.get_command(app), name="pneumoscope")


def _below(command, *, name: str):
    if isinstance(command, TyperGroup):
        if command.invoke_without_command or not command.commands:
            yield name, command
        for child, below in command.commands.items():
            yield from _below(below, name=f"{name} {child}")
    else:
        yield name, command


def synopsis(name: str, command) -> str:
    """Return the usage line."""
    arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    return " ".join([name, "[OPTIONS]", *arguments])


def options(command) -> list[tuple[str, str]]:
    """Return (names, meaning) of each option; the default is named where there is one to tell."""
    rows = []
    for one in command.params:
        if not isinstance(one, TyperOption) or one.hidden or "--help" in one.opts:
            continue
        names = ", ".join([*one.opts, *one.secondary_opts])
        value = "" if one.is_flag else f" {(one.metavar or one.name).upper()}"
        default = (
            "" if one.is_flag or one.default in (None, (), "") or callable(one.default) else f" Default: {one.default}."
        )
        rows.append((names + value, (one.help or "").strip() + default))
    return rows


def markdown() -> str:
    """Return the command reference as Markdown."""
    lines = [
        "# Commands",
        "",
        "Written from `pneumoscope --help`. Exit codes: 0 done, 1 our fault, 2 wrong use, 3 some ",
    ]
    lines[-1] += "inputs could not be read, 130 interrupted."
    for name, command in commands():
        lines += ["", f"## {name}", "", _text(command.help), "", "```text", synopsis(name, command), "```"]
        if rows := options(command):
            lines += ["", "| option | meaning |", "|---|---|"]
            lines += [f"| `{left}` | {right.replace('|', chr(92) + '|')} |" for left, right in rows]
        if command.epilog:
            lines += ["", "```sh", *_examples(command.epilog), "```"]
    return "\n".join(lines) + "\n"


def man() -> str:
    """Return one man page with all commands (man 7 macros)."""
    month = datetime.now(UTC).strftime("%B %Y")
    lines = [
        f'.TH PNEUMOSCOPE 1 "{month}" "pneumoscope {__version__}"',
        ".SH NAME",
        "pneumoscope \\- find signs of pneumonia on chest radiographs",
        ".SH SYNOPSIS",
        ".B pneumoscope",
        "COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        "Reads frontal chest radiographs. Research use only, not a medical device.",
        ".SH COMMANDS",
    ]
    for name, command in commands():
        lines += [f".SS {_roff(name)}", _roff(_text(command.help)), ".PP", f".B {_roff(synopsis(name, command))}"]
        for left, right in options(command):
            lines += [".TP", f".B {_roff(left)}", _roff(right) or "\\&"]
        if command.epilog:
            lines += [".PP", "Examples:", ".nf", *(_roff(one) for one in _examples(command.epilog)), ".fi"]
    lines += [".SH EXIT STATUS", "0 done, 1 our fault, 2 wrong use, 3 some inputs could not be read, 130 interrupted."]
    return "\n".join(lines) + "\n"


def _argument(one) -> str:
    name = (one.metavar or one.name).upper()
    return f"{name}..." if one.nargs == -1 else name


def _text(text: str | None) -> str:
    return " ".join(_MARKUP.sub("", text or "").split())


def _examples(epilog: str) -> list[str]:
    return [line.strip() for line in epilog.splitlines() if line.strip().startswith("pneumoscope")]


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    if sys.argv[1:] == ["markdown"]:
        sys.stdout.write(markdown())
    elif len(sys.argv) == 3 and sys.argv[1] == "man":
        folder = Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pneumoscope.1").write_text(man(), encoding="utf-8")
    else:
        sys.exit("usage: manual.py markdown | manual.py man FOLDER")


if __name__ == "__main__":
    main()
