"""Examples that `--help` shows below a command's options; a test parses each of them."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("pneumoscope demo -o first",),
    "read": (
        "pneumoscope read STUDIES -o results",
        "pneumoscope read a.dcm b.zip --json --operating-point screening",
        "pneumoscope read s3://bucket/films -o results --cluster local",
    ),
    "check": ("pneumoscope check STUDIES",),
    "serve": ("pneumoscope serve --demo", "pneumoscope serve --config node.toml"),
    "doctor": ("pneumoscope doctor", "pneumoscope doctor --config node.toml --json"),
    "token": ('pneumoscope token "Dr. A" --config node.toml',),
    "acceptance": ("pneumoscope acceptance truth.csv --config node.toml --sensitivity 0.8 --specificity 0.7",),
    "conformance": ("pneumoscope conformance",),
    "purge": (
        "pneumoscope purge --config node.toml --older-than 30d",
        "pneumoscope purge --config node.toml --patient P-1",
    ),
    "eda": ("pneumoscope eda nih.parquet -o report",),
    "pretrain": ("pneumoscope pretrain --data DATA --weights WEIGHTS -o runs/pretraining",),
    "train": ("pneumoscope train --preset default -o runs/mine", "pneumoscope train my.toml -o runs/mine --resume"),
    "export": ("pneumoscope export runs/mine -o mine.onnx",),
    "adopt": (
        "pneumoscope adopt chexnet model.pth.tar --calibrate m.parquet -o chexnet.onnx",
        "pneumoscope adopt onnx open.onnx --calibrate m.parquet -o safe.onnx --labels Pneumonia --input-range 0,1",
    ),
    "evaluate": ("pneumoscope evaluate --predictions p.csv --manifest m.parquet -o evidence/mine",),
    "predict": (
        "pneumoscope predict m.parquet -o p.parquet",
        "pneumoscope predict m.parquet -o p.csv --model mine.onnx",
    ),
    "readers": (
        "pneumoscope readers ratings.csv -o study",
        "pneumoscope readers ratings.csv -o study --threshold 3 --model AI --model-threshold 0.4",
    ),
    "ablate": ("pneumoscope ablate --data DATA -o evidence/ablations",),
    "plan": ("pneumoscope plan",),
    "data split": ("pneumoscope data split m.parquet --method stratified -o split.csv",),
    "data import nih": ("pneumoscope data import nih NIH --images NIH/images -o nih.parquet",),
    "data import rsna": ("pneumoscope data import rsna RSNA -o rsna.parquet",),
    "data import kermany": ("pneumoscope data import kermany chest_xray -o kermany.parquet",),
    "data import csv": ("pneumoscope data import csv table.csv --mapping columns.toml -o m.parquet",),
    "data import dicom": ("pneumoscope data import dicom STUDIES -o m.parquet",),
    "data cache": ("pneumoscope data cache m.parquet -o cache",),
    "data sheet": ("pneumoscope data sheet m.parquet -o sheets",),
    "data download": ("pneumoscope data download nih -o archives --part 1",),
    "dossier": ("pneumoscope dossier --evidence evidence/0.5.0 -o submission.pdf",),
    "dossier verify": ("pneumoscope dossier verify docs/submission",),
    "dossier diff": ("pneumoscope dossier diff OLD NEW",),
    "dossier trace": ("pneumoscope dossier trace --device docs/submission/device.toml",),
    "dossier results": ("pneumoscope dossier results runs/requirements.xml",),
    "dossier databases": ("pneumoscope dossier databases nih.parquet --release evidence/0.5.0",),
    "data audit": ("pneumoscope data audit m.parquet -o audit.json",),
}


def epilog(command: str) -> str | None:
    """Return the examples of a command, one a line, for the end of its help page; None where it has none."""
    examples = EXAMPLES.get(command)
    return None if examples is None else "\n".join(examples)
