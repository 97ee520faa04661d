"""`pneumoscope token`: who may come to the node's page."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Role(StrEnum):
    """What `--role` may name."""

    VIEWER = "viewer"
    ADMIN = "admin"
    MACHINE = "machine"


def token(
    name: Annotated[str, typer.Argument(help="Whose it is; goes into the audit log.")],
    role: Annotated[Role, typer.Option(help="viewer looks and comments; machine sends images, reads metrics.")] = (
        Role.VIEWER
    ),
    revoke: Annotated[bool, typer.Option("--revoke", help="End the token of that name, and its sessions.")] = False,
    config: Annotated[Path | None, typer.Option(help="The node's node.toml.")] = None,
) -> None:
    """Make an access token for the node's page, shown once; or end one."""
    from pneumoscope.service import Accounts, ServiceConfig, load_config, open_store
    from pneumoscope.service import Role as Rights

    settings = load_config(config) if config is not None else ServiceConfig()
    store = open_store(settings.store.url)
    try:
        accounts = Accounts(store)
        if revoke:
            accounts.revoke(name)
            typer.echo(f"{name}: ended")
        else:
            typer.echo(accounts.add(name, Rights(role)))
    finally:
        store.close()
