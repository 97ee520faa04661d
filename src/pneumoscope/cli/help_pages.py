"""Help pages of the commands: plain text with bold headings and coloured names, without rich, which takes 0.3 s."""

import os
import re
import sys
from typing import Any

from typer.core import TyperCommand, TyperGroup

_HEADING = re.compile(r"^(Usage:|\S[^\n]*:$)", re.MULTILINE)
_NAME = re.compile(r"^  (-[\w-]+(?:[,/ ]+-[\w-]+)*|[a-z][\w-]*)(?=  | [A-Z\[<]|$)", re.MULTILINE)


def colours_wanted() -> bool:
    """Return whether standard output takes colours (no-color.org; FORCE_COLOR overrides a pipe)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def coloured(page: str) -> str:
    """Return the page with its headings bold, and with options, arguments and commands in cyan."""
    return _NAME.sub("  \x1b[36m\\1\x1b[0m", _HEADING.sub("\x1b[1m\\1\x1b[0m", page))


class _Page:
    """What help pages of commands and groups share."""

    epilog: str | None

    def get_help(self, ctx: Any) -> str:
        """Return the page, coloured where that is wanted."""
        page: str = super().get_help(ctx)  # type: ignore[misc]  # of the command class beside this one
        if not colours_wanted():
            return page
        ctx.color = True
        return coloured(page)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # the signature is Click's
        """Write the examples, one a line, never wrapped: they are there to be copied."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"  {line}\n")


class Command(_Page, TyperCommand):
    """A command with such a help page."""


class Group(_Page, TyperGroup):
    """A group of commands with such a help page, by panel where it has panels."""

    def panel(self, name: str) -> str:  # noqa: ARG002  # a group without panels has one
        """Return the heading that a command stands under."""
        return "Commands"

    def summary(self, name: str) -> str:
        """Return the sentence that explains a command."""
        return str(self.commands[name].get_short_help_str(limit=300))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under the headings of their panels."""
        names = self.list_commands(ctx)
        left = max(map(len, names), default=0)
        for title in dict.fromkeys(map(self.panel, names)):
            with formatter.section(title):
                rows = [name for name in names if self.panel(name) == title]
                formatter.write_dl([(name.ljust(left), self.summary(name)) for name in rows])
