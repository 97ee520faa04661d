"""`pneumoscope data cache`: images decoded once, for fast epochs."""

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_PARTIAL


def cache(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the cache.", show_default=False)],
    side_px: Annotated[int, typer.Option("--size", help="Side of the cached squares, pixels.")] = 256,
) -> None:
    """Decode every image once to a grey square; goes on where a broken run ended."""
    from pneumoscope.cli.terminal import progress
    from pneumoscope.datasets import ImageCache, build_cache, read_manifest

    stored = read_manifest(manifest)
    problems = build_cache(
        stored.manifest,
        output,
        side_px=side_px,
        manifest_sha256=stored.sha256,
        progress=lambda steps: progress(steps, title="decoding"),
    )
    done = ImageCache(output)
    typer.echo(f"{len(done)} images of {done.side_px} x {done.side_px} pixels in {output}")
    for problem in problems:
        typer.echo(f"not cached: {problem['problem']}")
    if problems:
        raise typer.Exit(EXIT_PARTIAL)
