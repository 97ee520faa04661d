"""Hashes of whole folders: the source that ships, and the tests."""

import hashlib
from pathlib import Path

_KINDS = (".py", ".toml", ".md", ".csv", ".j2", ".jinja", ".html", ".css", ".js", ".typ", ".yaml", ".xsd")


def tree_sha256(folder: Path) -> str:
    """Return one SHA-256 of all source files under a folder: their paths and their bytes, sorted by path."""
    whole = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.suffix in _KINDS and one.is_file()):
        name = path.relative_to(folder).as_posix()
        whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
