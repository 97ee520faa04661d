"""The commands: name, heading, summary and home; a command's module is imported when that command is used."""

from collections import UserDict
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer

from pneumoscope.cli.help_pages import Command, Group


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group: `pneumoscope.cli.NAME` holds a function or a Typer application of that name."""

    name: str
    panel: str
    summary: str

    def load(self) -> Any:
        """Import the module and return the command, ready to be called."""
        from pneumoscope.cli.examples import epilog
        from pneumoscope.cli.exits import with_exit_code

        found = getattr(import_module(f"pneumoscope.cli.{self.name}"), self.name)
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        one = typer.Typer(add_completion=False, rich_markup_mode=None)
        one.command(self.name, cls=Command, epilog=epilog(self.name))(with_exit_code(found))
        return typer.main.get_command(one)


READ, CLINIC, BUILD, SUBMISSION = "Read", "In the clinic", "Build a model", "Submission"
ENTRIES = (
    Entry("demo", READ, "Read the synthetic studies that ship with the package."),
    Entry("read", READ, "Read files, folders and zip archives; write the results."),
    Entry("check", READ, "Check headers and pixels; read nothing."),
    Entry("doctor", READ, "Check the installation, and say what to do."),
    Entry("serve", CLINIC, "Run the DICOM node, its worker and its web page."),
    Entry("acceptance", CLINIC, "Test whether an operating point holds at a site."),
    Entry("conformance", CLINIC, "Print the DICOM Conformance Statement."),
    Entry("token", CLINIC, "Make a token for the node's page and REST API."),
    Entry("purge", CLINIC, "Delete patient data from the node."),
    Entry("data", BUILD, "Import, split, audit, cache and describe data sets."),
    Entry("eda", BUILD, "Write the exploratory report of a manifest."),
    Entry("pretrain", BUILD, "Train a backbone without labels."),
    Entry("train", BUILD, "Train a model from a preset or a configuration."),
    Entry("export", BUILD, "Turn finished runs into one model file."),
    Entry("adopt", BUILD, "Calibrate and limit an open chest X-ray network."),
    Entry("predict", BUILD, "Score every image of a manifest; resumable."),
    Entry("evaluate", BUILD, "Measure a model or a table of predictions."),
    Entry("readers", BUILD, "Analyse a reader study: MRMC, F1, kappas."),
    Entry("ablate", BUILD, "Train variants of a preset and compare them."),
    Entry("plan", SUBMISSION, "Size the validation study."),
    Entry("dossier", SUBMISSION, "Build, verify and compare submissions."),
)


class _Commands(UserDict[str, Any]):
    """Commands by name, each loaded when it is first looked up."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, Entry):
            found = self.data[name] = found.load()
        return found


class Root(Group):
    """The group of all commands; its help page is written from the table and loads none of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._entries = {entry.name: entry for entry in ENTRIES}
        self.commands = _Commands(self._entries)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the signature is Click's
        """Return the names in the order of the table."""
        return list(self._entries)

    def panel(self, name: str) -> str:
        """Return the heading that a command stands under."""
        return self._entries[name].panel

    def summary(self, name: str) -> str:
        """Return the sentence that explains a command."""
        return self._entries[name].summary
