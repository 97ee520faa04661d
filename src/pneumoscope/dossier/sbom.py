"""The software bill of materials: what the installed base is made of, from the lock, as CycloneDX."""

import datetime as dt
import json
import tomllib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.markers import Marker

from pneumoscope.core import ConfigError

if TYPE_CHECKING:
    from pneumoscope.dossier.inputs import Inputs

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
    """Return what `pip install pneumoscope` brings on Linux (x86-64, CPython 3.11), by name; no extras, no tools.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """What is needed beside Python packages; `version` is a range or says who chooses it."""

    name: str
    version: str
    supplier: str
    licence: str
    note: str


def read_native() -> tuple[Native, ...]:
    """Return interpreter, TLS, database and codecs, as the package lists them."""
    text = (resources.files("pneumoscope.dossier") / "native.toml").read_text(encoding="utf-8")
    return tuple(Native(**one) for one in tomllib.loads(text)["component"])


def licence_of(name: str) -> str:
    """Return the licence that an installed package states; "not stated" where it states none or is not installed."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not stated"
    stated = _field(found, "License-Expression") or _field(found, "License")
    classified = [one.rpartition(" :: ")[2] for one in found.get_all("Classifier", []) if one.startswith("License")]
    return stated if 0 < len(stated) <= 40 and "\n" not in stated else "; ".join(classified) or "not stated"


def _field(found: metadata.PackageMetadata, name: str) -> str:
    return str(found.get(name, ""))  # type: ignore[attr-defined]


def supplier_of(name: str) -> str:
    """Return who an installed package names as its author or maintainer."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not stated"
    fields = ("Author", "Maintainer", "Author-email", "Maintainer-email")
    named = next((stated for field in fields if (stated := _field(found, field))), "")
    return " ".join(named.partition("<")[0].split()).strip('" ,')[:60] or "not stated"


def write_cyclonedx(
    components: tuple[Component, ...],
    path: Path,
    *,
    version: str,
    created: dt.datetime,
    more: Sequence[dict[str, Any]] = (),
) -> None:
    """Write CycloneDX 1.6 JSON; the same lock and moment give the same bytes.

    Args:
        components: The locked packages.
        path: Where to write.
        version: The device's.
        created: The moment that the file states.
        more: Components beside the packages, as CycloneDX objects: native libraries and the model.

    Source:
        NTIA, The Minimum Elements For a Software Bill of Materials, 2021: supplier, name, version, identifier,
        dependency, author, time.
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
    table = json.loads(JsonV1Dot6(bom).output_as_string())
    for one in table["components"]:
        one["licenses"] = [{"license": {"name": licence_of(one["name"])}}]
        one["supplier"] = {"name": supplier_of(one["name"])}
    table["components"] += more
    path.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def beside_packages(inputs: "Inputs") -> list[dict[str, Any]]:
    """Return native libraries and the model (CycloneDX ML-BOM) as components."""
    native = [
        {
            "type": "library",
            "bom-ref": f"native-{one.name}",
            "name": one.name,
            "version": one.version,
            "supplier": {"name": one.supplier},
            "licenses": [{"license": {"name": one.licence}}],
            "description": one.note,
        }
        for one in read_native()
    ]
    return [*native, _model(inputs)]


def _model(inputs: "Inputs") -> dict[str, Any]:
    """Return the model with its card: task, data sets, measured performance by cohort, limits."""
    model, device = inputs.model, inputs.device
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{model['name']}@{model['version']}",
        "name": model["name"],
        "version": model["version"],
        "hashes": [{"alg": "SHA-256", "content": model["sha256"]}],
        "licenses": [{"license": {"name": "Apache-2.0"}}],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": "binary classification of frontal chest radiographs",
                "architectureFamily": "convolutional neural network",
                "modelArchitecture": str(inputs.tables["training"]["config"]["backbone"]),
                "datasets": [
                    {"type": "dataset", "name": name} for name in ("NIH ChestX-ray14", "RSNA 2018", "Kermany 2018")
                ],
                "inputs": [{"format": "frontal chest radiograph, DICOM"}],
                "outputs": [{"format": "probability; suspicious, not suspicious or uncertain"}],
            },
            "quantitativeAnalysis": {"performanceMetrics": list(_metrics(inputs))},
            "considerations": {
                "users": [device.texts.users],
                "useCases": [device.texts.indications],
                "technicalLimitations": list(device.texts.limitations),
            },
        },
    }


def _metrics(inputs: "Inputs") -> Any:
    """AUROC, sensitivity and specificity of each test cohort, with intervals."""
    from pneumoscope.evaluation import Number

    point = inputs.device.operating_point
    for cohort in inputs.device.cohorts("test"):
        for name in ("auroc", f"operating_points.{point}.sensitivity", f"operating_points.{point}.specificity"):
            number = inputs.release[cohort.evidence].at(f"labels.{cohort.question}.{name}")
            if isinstance(number, Number):
                yield {
                    "type": name.rpartition(".")[2],
                    "value": f"{number.value:.4f}",
                    "slice": cohort.title,
                    "confidenceInterval": {"lowerBound": f"{number.low:.4f}", "upperBound": f"{number.high:.4f}"},
                }


def write_vex(inputs: "Inputs", path: Path, *, created: dt.datetime) -> None:
    """Write the vulnerability statement (CycloneDX VEX): whether components were assessed, and each finding.

    None is assessed here: no vulnerability database can be reached when the submission is built. The file says so.
    """
    serial = uuid.uuid5(uuid.NAMESPACE_URL, repr(("vex", inputs.device.version, inputs.components)))
    table = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": created.isoformat(timespec="seconds"),
            "component": {"type": "application", "name": ROOT, "version": inputs.device.version},
            "properties": [
                {"name": "pneumoscope:assessment", "value": "not done: no vulnerability database was at hand"},
                {"name": "pneumoscope:components", "value": str(len(inputs.components))},
            ],
        },
        "vulnerabilities": [],
    }
    path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def _closure(packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return packages that the root needs, directly or through another, on Linux."""
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
