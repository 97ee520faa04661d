"""The command line: one file per command; parse, call one function, print, exit code."""

from pneumoscope.cli.main import main

__all__ = ["main"]
