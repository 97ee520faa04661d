"""`pneumoscope serve`: the DICOM node, the readers and the page."""

import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.core import EXIT_FAULT, ConfigError, InputError

if TYPE_CHECKING:
    from pneumoscope.service import Node, ServiceConfig


def serve(
    config: Annotated[Path | None, typer.Option(help="node.toml; without it every setting has its default.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="In a temporary folder, with the synthetic studies.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON lines, not lines for a terminal.")] = False,
) -> None:
    """Run the node: DICOM and DICOMweb in, results into the PACS, a page to look at. Ends with Ctrl-C."""
    from pneumoscope.service import ServiceConfig, load_config, set_up_logging, warn_of_differences

    set_up_logging(as_json=as_json or not sys.stderr.isatty())
    if demo:
        if config is not None:
            raise ConfigError("serve: expected --demo or --config, found both")
        with tempfile.TemporaryDirectory(prefix="pneumoscope-demo-") as folder:
            _serve(_demo_config(Path(folder)), demo=True)
        return
    loaded = load_config(config) if config is not None else ServiceConfig()
    for difference in warn_of_differences(loaded, config):
        typer.echo(f"differs from the released device: {difference}")
    _serve(loaded, demo=False)


def _serve(config: "ServiceConfig", *, demo: bool) -> None:
    from pneumoscope.service import Node

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    node = Node(config)
    token = node.start()
    try:
        _say_where(node, token)
        if demo:
            _take_studies(node)
        while not stop.wait(0.5) and not node.broken.is_set():
            pass
        typer.echo("stopping: what is under way ends first")
    finally:
        node.stop()
    if node.broken.is_set():
        raise typer.Exit(EXIT_FAULT)


def _demo_config(folder: Path) -> "ServiceConfig":
    from pneumoscope.service import parse_config

    return parse_config(
        {
            "node": {"port": 0},
            "web": {"port": 0, "sign_in": "never"},
            "store": {"path": str(folder), "min_free_mb": 100},
            "reading": {"claim": "both"},
            "study": {"complete_after_s": 5.0},
        }
    )


def _take_studies(node: "Node") -> None:
    """Put the synthetic studies into the node's inbox, as an upload would."""
    from pneumoscope.phantom import studies_folder
    from pneumoscope.service import Route

    for path in sorted(studies_folder().glob("*.dcm")):
        try:
            node.inbox.take(path.read_bytes(), caller="DEMO", route=Route.UPLOAD)
        except InputError as error:  # one of the studies is cut off
            node.inbox.note_refusal(error, caller="DEMO")
            typer.echo(f"refused {path.name}: {error}")


def _say_where(node: "Node", token: str | None) -> None:
    config = node.config
    scheme = "https" if config.web.tls_certificate else "http"
    page = f"{scheme}://{config.web.host}:{node.web_port}"
    tls = ", TLS" if config.node.tls_certificate else ""
    silent = " (silent mode: nothing is delivered)" if config.reading.silent else ""
    lines = [
        f"DICOM   {config.node.ae_title} at {config.node.host}:{node.scp.port}{tls}",
        f"page    {page}" + ("" if config.web.requires_sign_in else " (no sign-in: for this machine only)"),
        f"STOW-RS {page}/dicom-web",
        f"spool   {config.store.path.resolve()}",
        f"claim   {config.reading.claim}, operating point {config.reading.operating_point}",
        *(f"to      {one.name} ({one.kind})" for one in config.destination),
    ]
    if not config.destination:
        lines.append("to      nowhere: no destination is configured; results are on the page only")
    if token is not None:
        lines.append(f"token   {token} (shown once: sign in with it, then make others)")
    typer.echo("\n".join(lines) + silent + "\nResearch use only. Not for diagnosis. Ctrl-C stops.")
