"""The software bill of materials: what the installed base is made of, from the lock, as CycloneDX."""

import datetime as dt
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from pneumoscope.core import ConfigError

ROOT = "pneumoscope"

_PLATFORM = {
    "implementation_name": "cpython",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}


@dataclass(frozen=True, slots=True)
class Component:
    """One locked package: name, version, SHA-256 of its source or first wheel, and whether we ask for it ourselves."""

    name: str
    version: str
    sha256: str
    direct: bool


def read_components(lock: Path) -> tuple[Component, ...]:
    """What `pip install pneumoscope` brings on Linux (x86-64, CPython 3.11), by name; no extras, no tools.

    Raises:
        ConfigError: The lock is missing or is not uv's.
    """
    try:
        packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
        root = next(package for package in packages if package["name"] == ROOT)
        direct = {one["name"] for one in root["dependencies"]}
        found = _closure(packages)
    except (OSError, tomllib.TOMLDecodeError, KeyError, StopIteration) as error:
        raise ConfigError(f"{lock}: expected uv's lock of {ROOT}, found {type(error).__name__}: {error}") from error
    return tuple(Component(one["name"], one["version"], _sha256(one), direct=one["name"] in direct) for one in found)


def write_cyclonedx(components: tuple[Component, ...], path: Path, *, version: str, created: dt.datetime) -> None:
    """Write CycloneDX 1.6 JSON; the same lock and moment give the same bytes.

    Source:
        NTIA, The Minimum Elements For a Software Bill of Materials, 2021: name, version, identifier, dependency,
        author, time.
    """
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    bom = Bom()
    bom.metadata.component = root = Part(
        name=ROOT, version=version, type=ComponentType.APPLICATION, bom_ref=f"{ROOT}@{version}"
    )
    parts = [
        Part(
            name=one.name,
            version=one.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{one.name}@{one.version}",
            purl=PackageURL("pypi", name=one.name, version=one.version),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one.sha256)] if one.sha256 else [],
        )
        for one in components
    ]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(root, parts)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, repr((version, components)))
    bom.metadata.timestamp = created
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def _closure(packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Packages that the root needs, directly or through another, on Linux."""
    seen: dict[str, dict[str, Any]] = {}
    waiting = [{"name": ROOT}]
    while waiting:
        wanted = waiting.pop()
        if wanted["name"] in seen:
            continue
        package = seen[wanted["name"]] = next(
            one for one in packages if all(one.get(key) == wanted[key] for key in ("name", "version") if key in wanted)
        )
        waiting += [one for one in package.get("dependencies", []) if _applies(one.get("marker"))]
    return [seen[name] for name in sorted(seen) if name != ROOT]


def _applies(marker: str | None) -> bool:
    return marker is None or Marker(marker).evaluate(dict(_PLATFORM))


def _sha256(package: dict[str, Any]) -> str:
    files = [package["sdist"]] if "sdist" in package else package.get("wheels", [])
    return files[0]["hash"].removeprefix("sha256:") if files else ""
