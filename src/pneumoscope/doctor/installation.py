"""Checks of the installation itself; each library is imported where it is checked, since it may be missing."""

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from pneumoscope import __version__
from pneumoscope.core import ArtifactError, PneumoscopeError, Status
from pneumoscope.doctor.finding import Finding, Level

_EXTRAS = {
    "data": ("pandas", "pyarrow", "pandera", "scipy", "sklearn", "matplotlib"),
    "train": ("torch", "torchvision", "timm", "lightning", "onnx"),
    "dossier": ("typst", "yaml", "cyclonedx"),
    "cluster": ("ray", "fsspec", "s3fs", "dicomweb_client"),
    "postgresql": ("psycopg",),
    "openvino": ("openvino",),
}
_BASE = ("numpy", "pillow", "pydicom", "highdicom", "imagecodecs", "onnxruntime", "pynetdicom", "fastapi", "sqlalchemy")
_CODECS = ("jpeg8", "ljpeg", "jpegls", "jpeg2k")
_NEEDED_MB = 1024
# Return value of adjtimex(2) for a clock that nothing keeps right.
_TIME_ERROR = 5


def check_installation(*, model: Path | None, folder: Path) -> Iterator[Finding]:
    """Yield the findings about Python, libraries, model, engines, decoders, fonts, GPU, clock and disk."""
    yield from _python()
    yield from _libraries()
    yield from _extras()
    yield from _model(model)
    yield from _decoders()
    yield from _fonts()
    yield from _gpu()
    yield from _clock()
    yield from _disk(folder)


def _python() -> Iterator[Finding]:
    found = f"Python {sys.version.split()[0]}, pneumoscope {__version__}"
    yield Finding(name="python", level=Level.OK, found=found)


def _libraries() -> Iterator[Finding]:
    versions, missing = [], []
    for name in _BASE:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        found = f"missing: {', '.join(missing)}"
        yield Finding(name="libraries", level=Level.PROBLEM, found=found, advice="pip install pneumoscope")
    else:
        yield Finding(name="libraries", level=Level.OK, found=", ".join(versions))


def _extras() -> Iterator[Finding]:
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        if missing:
            advice = f"only if you need it: pip install 'pneumoscope[{extra}]'"
            found = f"missing: {', '.join(missing)}"
            yield Finding(name=f"extra {extra}", level=Level.WARNING, found=found, advice=advice)
        else:
            yield Finding(name=f"extra {extra}", level=Level.OK, found="installed")


def _model(path: Path | None) -> Iterator[Finding]:
    """Verify the checksum, and read one synthetic study with each engine that is installed."""
    from pneumoscope.core import EngineName
    from pneumoscope.model import load, shipped_path
    from pneumoscope.phantom import studies_folder
    from pneumoscope.reading import load_model, read

    advice = "install the package again, or give --model a file that `pneumoscope export` wrote"
    try:
        artifact = load(path or shipped_path())
    except (PneumoscopeError, OSError) as error:
        yield Finding(name="model", level=Level.PROBLEM, found=str(error), advice=advice)
        return
    one = artifact.identity
    yield Finding(
        name="model", level=Level.OK, found=f"{one.name} {one.version}, checksum verified, SHA-256 {one.sha256}"
    )
    study = min(studies_folder().glob("*.dcm"))
    for engine, module in ((EngineName.ONNXRUNTIME, "onnxruntime"), (EngineName.OPENVINO, "openvino")):
        if find_spec(module) is None:
            continue
        started = time.perf_counter()
        try:
            reading = read(study, model=load_model(path, engine=engine))
            if reading.status is not Status.ANALYSED:
                raise ArtifactError(f"expected a synthetic image to be analysed, found {reading.status}")
        except Exception as error:  # noqa: BLE001, an engine may raise anything; that is what is asked
            found = f"{type(error).__name__}: {error}"
            yield Finding(name=f"engine {engine}", level=Level.PROBLEM, found=found, advice=f"pip install -U {module}")
            continue
        took = time.perf_counter() - started
        found = f"{module} {version(module)} read a synthetic image, {took:.1f} s with loading"
        yield Finding(name=f"engine {engine}", level=Level.OK, found=found)


def _decoders() -> Iterator[Finding]:
    import imagecodecs

    missing = [name for name in _CODECS if not getattr(imagecodecs, name.upper()).available]
    if missing:
        advice = "pip install -U imagecodecs: without it, compressed images fail"
        yield Finding(name="decoders", level=Level.PROBLEM, found=f"missing: {', '.join(missing)}", advice=advice)
    else:
        yield Finding(name="decoders", level=Level.OK, found=f"{', '.join(_CODECS)} and RLE")


def _fonts() -> Iterator[Finding]:
    from PIL import features

    if features.check("freetype2"):
        yield Finding(name="fonts", level=Level.OK, found="FreeType, the font is part of Pillow")
    else:
        advice = "install Pillow from the index (its wheel has FreeType): overlays need it"
        yield Finding(name="fonts", level=Level.PROBLEM, found="Pillow without FreeType", advice=advice)


def _gpu() -> Iterator[Finding]:
    import onnxruntime

    providers = [name for name in onnxruntime.get_available_providers() if name != "CPUExecutionProvider"]
    card = shutil.which("nvidia-smi") is not None
    found = f"NVIDIA driver {'found' if card else 'not found'}; engines beside CPU: {', '.join(providers) or 'none'}"
    yield Finding(name="gpu", level=Level.OK, found=f"{found}; none is needed to read")


def _clock() -> Iterator[Finding]:
    now = datetime.now(UTC)
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    advice = "set the clock and keep it right (chrony or systemd-timesyncd): leases, sessions and logs use it"
    if now < installed:
        found = f"{now:%Y-%m-%d %H:%M} UTC, before this software was installed"
        yield Finding(name="clock", level=Level.PROBLEM, found=found, advice=advice)
        return
    synchronised = _synchronised()
    said = {True: "synchronised", False: "not synchronised", None: "synchronisation not known"}[synchronised]
    level = Level.WARNING if synchronised is False else Level.OK
    found = f"{now:%Y-%m-%d %H:%M} UTC, {said}"
    yield Finding(name="clock", level=level, found=found, advice=advice if synchronised is False else "")


def _synchronised() -> bool | None:
    """Return whether the kernel knows the clock to be kept right; None where it cannot be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _disk(folder: Path) -> Iterator[Finding]:
    existing = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    found = f"{free_mb:,} MB free at {existing}"
    if not os.access(existing, os.W_OK):
        advice = "give the user that runs the node write access"
        yield Finding(name="disk", level=Level.PROBLEM, found=f"{existing} cannot be written", advice=advice)
    elif free_mb < _NEEDED_MB:
        advice = f"free at least {_NEEDED_MB} MB: the node refuses images before the disk is full"
        yield Finding(name="disk", level=Level.PROBLEM, found=found, advice=advice)
    else:
        yield Finding(name="disk", level=Level.OK, found=found)
