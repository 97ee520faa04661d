"""Train the next reader from all routes and seal it: `python -m pneumoscope.training.reader DATA RUN`."""

import argparse
import sys
from pathlib import Path

from pneumoscope.core import PneumoscopeError, exit_code
from pneumoscope.training.reader.config import read_reader_config
from pneumoscope.training.reader.export import export_reader
from pneumoscope.training.reader.fit import fit_reader
from pneumoscope.training.reader.material import gather


def main(arguments: list[str] | None = None) -> int:
    """Train all stages that are not there yet, then seal; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pneumoscope.training.reader", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("run", type=Path, help="folder of the stages; finished ones are kept")
    parser.add_argument("--config", type=Path, help="another configuration than the package's")
    parser.add_argument("--lungs", type=Path, help="run of `train --preset lungs`; without it, train and do not seal")
    parser.add_argument("-o", "--output", type=Path, help="the artefact; RUN/pneumonia.onnx by default")
    chosen = parser.parse_args(arguments)
    try:
        config = read_reader_config(chosen.config)
        material = gather(config, chosen.data, packed=chosen.run / "packed")
        fit_reader(config, material, chosen.run, say=print)
        if chosen.lungs is not None:
            output = chosen.output or chosen.run / "pneumonia.onnx"
            card = export_reader(config, material, chosen.data, chosen.run, lungs=chosen.lungs, output=output)
            for name, area in card.metrics["validation_auroc"].items():
                print(f"{name:14} AUROC {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]")
    except PneumoscopeError as error:
        print(f"pneumoscope: {error}", file=sys.stderr)
        return exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
