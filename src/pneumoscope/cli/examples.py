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
    "eda": ("pneumoscope eda nih.parquet -o report",),
    "train": ("pneumoscope train --preset default -o runs/mine", "pneumoscope train my.toml -o runs/mine --resume"),
    "export": ("pneumoscope export runs/mine -o mine.onnx",),
    "evaluate": ("pneumoscope evaluate --predictions p.csv --manifest m.parquet -o evidence/mine",),
    "predict": (
        "pneumoscope predict m.parquet -o p.parquet",
        "pneumoscope predict m.parquet -o p.csv --model mine.onnx",
    ),
    "readers": (
        "pneumoscope readers ratings.csv -o study",
        "pneumoscope readers ratings.csv -o study --threshold 3 --model AI --model-threshold 0.4",
    ),
    "plan": ("pneumoscope plan",),
    "split": ("pneumoscope data split m.parquet --method stratified -o split.csv",),
    "audit": ("pneumoscope data audit m.parquet -o audit.json",),
}


def epilog(command: str) -> str | None:
    """Return the examples of a command as the text below its help page; None where it has none."""
    examples = EXAMPLES.get(command)
    return None if examples is None else "\n\n".join(("Examples:", *examples))
