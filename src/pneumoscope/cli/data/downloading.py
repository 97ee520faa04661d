"""`pneumoscope data download`: a public source's archives, when a person asks for them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import ConfigError


class Archive(StrEnum):
    """What may be fetched."""

    NIH = "nih"


def download(
    source: Annotated[Archive, typer.Argument(help="Source whose terms allow it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the archives.", show_default=False)],
    part: Annotated[list[int] | None, typer.Option(help="Only this archive, from 1 (repeat for more).")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=12, help="Connections.")] = 4,
    unpacked: Annotated[bool, typer.Option("--unpack", help="Unpack each archive into a folder beside it.")] = False,
    mirror: Annotated[str | None, typer.Option(help="Address of a folder with the same archives.")] = None,
    agreed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Fetch the image archives of a public source; goes on where a broken run ended."""
    from pneumoscope.cli.terminal import byte_progress
    from pneumoscope.datasets.archives import NIH_TERMS, nih_archives, unpack
    from pneumoscope.datasets.download import download as fetch

    archives = {Archive.NIH: nih_archives(mirror=mirror)}[source]
    numbers = part or range(1, len(archives) + 1)
    wrong = [number for number in numbers if not 1 <= number <= len(archives)]
    if wrong:
        raise ConfigError(f"--part: expected 1 to {len(archives)}, got {', '.join(map(str, wrong))}")
    files = [archives[number - 1] for number in sorted(set(numbers))]
    size_gb = sum(one.size_bytes or 0 for one in files) / 1e9
    typer.echo(NIH_TERMS)
    if not agreed:
        typer.confirm(f"Fetch {len(files)} archives, {size_gb:.1f} GB, into {output}?", abort=True)
    with byte_progress(int(size_gb * 1e9)) as said:
        for fetched in fetch(files, output, at_once=at_once, said=said):
            typer.echo(f"{fetched.path}: {fetched.fetched_bytes} bytes fetched, sha256 {fetched.sha256}")
            if unpacked:
                typer.echo(f"{unpack(fetched.path)}: unpacked")
