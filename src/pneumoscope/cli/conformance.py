"""`pneumoscope conformance`: the DICOM Conformance Statement."""

import typer


def conformance() -> None:
    """Print the DICOM Conformance Statement of this version, as Markdown."""
    from pneumoscope.service import statement

    typer.echo(statement(), nl=False)
