"""Help, examples, documentation and colours: what is written about commands is what the commands take."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from pneumoscope.cli.commands import ENTRIES
from pneumoscope.cli.examples import EXAMPLES
from pneumoscope.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def command_lines() -> list[tuple[str, str]]:
    """Every `pneumoscope ...` in a shell block of README and docs, with its page."""
    found = []
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text()):
            joined = re.sub(r"\\\n\s*", " ", block)
            for line in joined.splitlines():
                command = re.split(r"\s&&\s|\s\|\s|\s#|;", line.strip())[0]
                if command.startswith("pneumoscope "):
                    found.append((page.name, command))
    return found


def check(line: str) -> None:
    """Follow the words of a command line to its command; every option must be one that it takes."""
    words = shlex.split(line)[1:]
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "--version"}
    known |= {"--install-completion", "--show-completion"}
    if isinstance(command, TyperGroup) and not command.invoke_without_command:
        assert not words or words[0].startswith("-"), f"expected a command, found {words[0]!r} in: {line}"
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known and word != "-"]
    assert not unknown, f"expected options of the command, found {unknown} in: {line}"


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_in_the_documentation_exists_with_its_options(page: str, line: str) -> None:
    check(line)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_every_example_of_a_help_page_is_one_that_the_command_takes(line: str) -> None:
    check(line)


def test_an_option_that_does_not_exist_is_found_by_these_tests() -> None:
    with pytest.raises(AssertionError, match="--colour"):
        check("pneumoscope read STUDIES --colour red")
    with pytest.raises(AssertionError, match="raed"):
        check("pneumoscope raed STUDIES")


def test_examples_are_shown_below_the_options() -> None:
    shown = CliRunner().invoke(app, ["read", "--help"]).stdout
    assert shown.index("Examples:") > shown.index("--operating-point")


def every_command() -> list[str]:
    """The full name of each command, groups opened."""

    def below(command, name: str) -> list[str]:
        if not isinstance(command, TyperGroup):
            return [name]
        own = [name] if command.invoke_without_command else []
        return own + [leaf for child, one in command.commands.items() for leaf in below(one, f"{name} {child}".strip())]

    return below(typer.main.get_command(app), "")


def test_every_command_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(every_command())


def test_the_map_names_every_command_and_cuts_no_sentence() -> None:
    page = CliRunner().invoke(app, ["--help"]).stdout
    for entry in ENTRIES:
        assert re.search(rf"^  {entry.name} +{re.escape(entry.summary)}$", page, re.MULTILINE)


HEAVY = ("rich", "markdown_it", "pygments", "pydicom", "numpy", "scipy", "pandas", "onnxruntime", "highdicom", "torch")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_library_but_the_parser(option: str) -> None:
    """It is these imports that made `--help` take half a second."""
    program = (
        "import sys; from pneumoscope.cli import main\n"
        f"sys.argv = ['pneumoscope', {option!r}]\n"
        "try: main()\n"
        f"finally: print('LOADED', sorted(set({HEAVY}) & set(sys.modules)), 'pneumoscope.core' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.rstrip().endswith("LOADED [] False")


def test_no_colour_is_printed_where_none_is_wanted() -> None:
    base = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}
    command = [sys.executable, "-m", "pneumoscope", "read", "--help"]
    coloured = subprocess.run(command, env=base, capture_output=True, text=True, check=True).stdout
    plain = subprocess.run(command, env={**base, "NO_COLOR": "1"}, capture_output=True, text=True, check=True).stdout
    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert colours.search(coloured)
    assert not colours.search(plain)


def test_a_shell_is_told_how_to_complete_commands() -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "pneumoscope", "--show-completion", "bash"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    assert "complete" in shown
