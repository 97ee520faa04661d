"""The comparisons: reading, engines, decoding, DICOM objects, statistics, start."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.bench.measure import NotAtHandError, Row, Work

ROOT = Path(__file__).resolve().parents[2]
_PEER = ROOT / ".venv-bench" / "bin" / "python"
_FOLDER = 60
PYDICOM, GDCM, DCMTK = "pydicom's pixel_array", "GDCM through pydicom", "DCMTK, a process"
_DCMTK = {"RLE": "dcmdrle", "JPEG-LS": "dcmdjpls"}
_SYNTAXES = {
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "uncompressed": "1.2.840.10008.1.2.1",
}


def _films(folder: Path, count: int) -> Path:
    from pneumoscope.phantom import studies_folder

    studies = sorted(studies_folder().glob("*.dcm"))[:3]
    for place in range(count):
        (folder / f"{place:05}.dcm").write_bytes(studies[place % 3].read_bytes())
    return folder


def _run(command: list[object], folder: Path) -> None:
    subprocess.run([str(one) for one in command], check=True, capture_output=True, cwd=folder)


@contextmanager
def _cold(quick: bool, *, count: int, script: str = "peer_torchxrayvision.py") -> Iterator[tuple[Work, Work]]:
    """Our command and a peer's script, each a process from start to end."""
    if not _PEER.exists():
        raise NotAtHandError("no .venv-bench: scripts/setup bench")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "films"
        folder.mkdir()
        _films(folder, 1 if quick else count)
        ours = [sys.executable, "-m", "pneumoscope", "read", folder, "-o", f"{scratch}/out", "--only", "jsonl"]
        theirs = [_PEER, ROOT / "benchmarks" / script, folder, "-o", f"{scratch}/peer.jsonl"]
        yield partial(_run, ours, Path(scratch)), partial(_run, theirs, Path(scratch))


@contextmanager
def _memory(quick: bool) -> Iterator[tuple[Work, Work]]:
    """Our reader against the same work in PyTorch: DenseNet-121 in eager mode, on arrays in memory."""
    import torch
    from torchvision.models import densenet121

    from pneumoscope.image import prepare
    from pneumoscope.intake import read_radiograph
    from pneumoscope.phantom import studies_folder
    from pneumoscope.reading import load_model

    model = load_model()
    pixels = read_radiograph(min(studies_folder().glob("*.dcm"))).pixels
    ready = prepare(pixels, model.card.recipe).array[np.newaxis]
    network = densenet121(weights=None).eval()
    image = torch.rand(1, 3, 64 if quick else 224, 64 if quick else 224)

    def theirs() -> object:
        with torch.no_grad():
            return network(image)

    yield partial(model.predict, ready), theirs


@contextmanager
def _engine(quick: bool, *, peer: str) -> Iterator[tuple[Work, Work]]:
    """One graph (DenseNet-121, random weights): ONNX Runtime against another engine or another precision."""
    import onnxruntime
    import torch
    from torchvision.models import densenet121

    size = 64 if quick else 224
    network, image = densenet121(weights=None).eval(), torch.rand(1, 3, size, size)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.onnx"
        torch.onnx.export(network, (image,), path, dynamo=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: image.numpy()}
        yield partial(session.run, None, feed), _other_engine(peer, path, network=network, image=image, feed=feed)


def _other_engine(peer: str, path: Path, *, network: object, image: object, feed: dict[str, np.ndarray]) -> Work:
    import onnxruntime
    import torch

    if peer == "OpenVINO":
        import openvino

        compiled = openvino.Core().compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        return lambda: compiled(image.numpy())
    if peer == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        small = path.with_name("int8.onnx")
        quantize_dynamic(path, small, weight_type=QuantType.QUInt8)
        session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])
        return partial(session.run, None, feed)
    run = torch.compile(network) if peer == "PyTorch compiled" else network

    def work() -> object:
        with torch.no_grad():
            return run(image)

    return work


@contextmanager
def _decoding(quick: bool, *, syntax: str, peer: str) -> Iterator[tuple[Work, Work]]:
    """Bytes of one object to pixels: our reading path against a peer's decoder."""
    from pydicom import dcmread

    from pneumoscope.intake import read_radiograph
    from pneumoscope.phantom import studies_folder

    ds = dcmread(min(studies_folder().glob("*.dcm")))
    ds.decompress() if ds.file_meta.TransferSyntaxUID.is_compressed else None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "film.dcm"
        if syntax != "uncompressed":
            try:
                ds.compress(_SYNTAXES[syntax])
            except (RuntimeError, NotImplementedError, ValueError) as error:
                raise NotAtHandError(f"no encoder for {syntax}: {error}") from error
        ds.save_as(path)
        with _decoder(peer, path, syntax) as theirs:
            yield lambda: read_radiograph(path).pixels, theirs


@contextmanager
def _decoder(peer: str, path: Path, syntax: str) -> Iterator[Work]:
    """A peer that decodes the file once a call."""
    from pydicom import dcmread

    if peer == PYDICOM:
        yield lambda: dcmread(path).pixel_array
    elif peer == DCMTK:
        program = shutil.which(_DCMTK.get(syntax, ""))
        if program is None:
            raise NotAtHandError(f"DCMTK's programs do not decode {syntax}, or it is not installed")
        yield partial(_run, [program, path, path.with_name("decoded.dcm")], path.parent)
    else:
        with _talking([_PEER, ROOT / "benchmarks" / "peer_decode.py", path, "gdcm"]) as theirs:
            yield theirs


@contextmanager
def _talking(command: list[object]) -> Iterator[Work]:
    """A process of another environment that does its work once for each line that it is sent."""
    if not _PEER.exists():
        raise NotAtHandError("no .venv-bench: scripts/setup bench")
    words = [str(one) for one in command]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None

        def work() -> str:
            peer.stdin.write("\n")
            peer.stdin.flush()
            if not (answer := peer.stdout.readline()):
                raise NotAtHandError(peer.stderr.read().strip().rpartition("\n")[2] or "the peer ended")
            return answer

        yield work
        peer.stdin.close()


@contextmanager
def _exploration(quick: bool) -> Iterator[tuple[Work, Work]]:
    """Our exploratory report of NIH's table and ydata-profiling's, minimal mode; a process each."""
    from pneumoscope.datasets import import_nih, write_manifest

    root, peer = Path(os.environ.get("PNEUMOSCOPE_DATA", "../shared/data")) / "nih", ROOT / ".venv-eda/bin/python"
    table = root / "Data_Entry_2017_v2020.csv"
    if quick or not table.exists() or not peer.exists():
        raise NotAtHandError("needs NIH's table (PNEUMOSCOPE_DATA) and .venv-eda (scripts/setup eda)")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        write_manifest(import_nih(root, images=()), work / "m.parquet")
        ours = [sys.executable, ROOT / "benchmarks/eda_speed.py", "--ours", work / "m.parquet", work / "report"]
        theirs = [peer, ROOT / "benchmarks/peer_ydata_profiling.py", table, work / "peer.html"]
        yield partial(_run, ours, work), partial(_run, theirs, work)


@contextmanager
def _report(quick: bool) -> Iterator[tuple[Work, Work]]:
    """Our structured report, checked and written, against highdicom's own constructor for the least TID 1500."""
    import highdicom as hd
    from highdicom.sr.coding import CodedConcept
    from pydicom import dcmread
    from pydicom.uid import generate_uid

    from pneumoscope.phantom import studies_folder
    from pneumoscope.reading import read

    study = sorted(studies_folder().glob("*.dcm"))[1]
    reading = read(study)
    image = dcmread(study)
    context = hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=CodedConcept("121007", "DCM", "Device"),
            observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(uid=generate_uid()),
        )
    )

    def theirs() -> bytes:
        group = hd.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(uid=generate_uid(), identifier="1"),
            finding_type=CodedConcept("233604007", "SCT", "Pneumonia"),
            source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(image)],
        )
        content = hd.sr.MeasurementReport(
            observation_context=context,
            procedure_reported=CodedConcept("399208008", "SCT", "Plain chest X-ray"),
            imaging_measurements=[group],
        )
        report = hd.sr.Comprehensive3DSR(
            evidence=[image],
            content=content,
            series_number=1,
            series_instance_uid=generate_uid(),
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer="peer",
        )
        stream = io.BytesIO()
        report.save_as(stream)
        return stream.getvalue()

    yield reading.to_sr, theirs


@contextmanager
def _auroc(quick: bool, *, peer: str) -> Iterator[tuple[Work, Work]]:
    """AUROC with DeLong's interval against scikit-learn's value alone, or against 1,000 bootstraps of it."""
    from sklearn.metrics import roc_auc_score

    from pneumoscope.stats import auroc

    rng = np.random.default_rng(1)
    rows = 500 if quick else 22_433
    truth = rng.random(rows) < 0.05
    score = rng.normal(size=rows) + truth
    draws = 20 if quick else 1000

    def bootstrap() -> list[float]:
        found = []
        for _ in range(draws):
            chosen = rng.integers(0, rows, rows)
            found.append(roc_auc_score(truth[chosen], score[chosen]))
        return found

    yield partial(auroc, truth, score), partial(roc_auc_score, truth, score) if peer == "value" else bootstrap


@contextmanager
def _kappa(quick: bool) -> Iterator[tuple[Work, Work]]:
    """Cohen's kappa with its interval."""
    from statsmodels.stats.inter_rater import cohens_kappa

    from pneumoscope.stats import cohen_kappa

    rng = np.random.default_rng(1)
    first = rng.random(200 if quick else 20_000) < 0.3
    second = first ^ (rng.random(first.size) < 0.1)
    table = np.array([[np.sum((first == a) & (second == b)) for b in (False, True)] for a in (False, True)])
    yield partial(cohen_kappa, first, second), partial(cohens_kappa, table)


@contextmanager
def _help(quick: bool) -> Iterator[tuple[Work, Work]]:
    """`pneumoscope --help` against an interpreter that does nothing: what a start costs."""
    here = Path.cwd()
    ours = [sys.executable, "-m", "pneumoscope", "--help"]
    yield partial(_run, ours, here), partial(_run, [sys.executable, "-c", "pass"], here)


@contextmanager
def _cluster(quick: bool, *, workers: int) -> Iterator[tuple[Work, Work]]:
    """A local Ray cluster against one process, start included."""
    from pneumoscope.reading import load_model, read_many
    from pneumoscope.reading.cluster import Cluster
    from pneumoscope.reading.cluster_parts import ClusterJob
    from pneumoscope.reading.cluster_read import read_on_cluster

    if quick:
        raise NotAtHandError("a cluster takes longer to start than a quick run may")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "films"
        folder.mkdir()
        _films(folder, _FOLDER * 5)
        model = load_model()
        runs = iter(range(1000))

        def ours() -> object:
            job = ClusterJob(output=Path(scratch) / f"out{next(runs)}", partition=16)
            return read_on_cluster([str(folder)], job, cluster=Cluster(workers=workers))

        yield ours, lambda: sum(1 for _ in read_many(folder, model=model, keep_pixels=False))


XRV, MONAI, PYTORCH = "torchxrayvision script", "MONAI script, DenseNet-121", "PyTorch eager, DenseNet-121"
ROWS: dict[str, tuple[Row, ...]] = {
    "Reading": (
        Row(name="one file, cold", peer=XRV, prepare=partial(_cold, count=1), unit="file", target=8),
        Row(
            name=f"folder of {_FOLDER}",
            peer=XRV,
            prepare=partial(_cold, count=_FOLDER),
            units=_FOLDER,
            unit="image",
            target=8,
        ),
        Row(
            name=f"folder of {_FOLDER}",
            peer=MONAI,
            prepare=partial(_cold, count=_FOLDER, script="peer_monai.py"),
            units=_FOLDER,
            unit="image",
        ),
        Row(name="prepared image in memory", peer=PYTORCH, prepare=_memory, unit="image", target=1),
        Row(name="start: --help", peer="python -c pass", prepare=_help),
    ),
    "Engines (DenseNet-121, ONNX Runtime against)": tuple(
        Row(name="one image", peer=peer, prepare=partial(_engine, peer=peer), unit="image")
        for peer in ("PyTorch eager", "PyTorch compiled", "OpenVINO", "int8")
    ),
    "Decoding": tuple(
        Row(
            name=name,
            peer=peer,
            prepare=partial(_decoding, syntax=name, peer=peer),
            unit="image",
            target=1 if peer == PYDICOM else None,
        )
        for name in _SYNTAXES
        for peer in (PYDICOM, GDCM, DCMTK)
    ),
    "Exploration": (
        Row(name="report on 112,120 rows", peer="ydata-profiling, minimal", prepare=_exploration, target=1),
    ),
    "DICOM objects": (Row(name="structured report", peer="highdicom, least TID 1500", prepare=_report, unit="object"),),
    "Statistics": (
        Row(name="AUROC with interval", peer="scikit-learn, value alone", prepare=partial(_auroc, peer="value")),
        Row(
            name="AUROC with interval", peer="scikit-learn, 1,000 bootstraps", prepare=partial(_auroc, peer="bootstrap")
        ),
        Row(name="Cohen's kappa with interval", peer="statsmodels, table given", prepare=_kappa),
    ),
    "Cluster": tuple(
        Row(
            name=f"{workers} worker{'s' * (workers > 1)}, {_FOLDER * 5} images",
            peer="one process",
            prepare=partial(_cluster, workers=workers),
            units=_FOLDER * 5,
            unit="image",
        )
        for workers in (1, 2)
    ),
}
