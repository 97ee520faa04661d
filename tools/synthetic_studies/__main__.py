"""`PYTHONPATH=tools python -m synthetic_studies -o DIR` draws the demo's studies again."""

import argparse
from pathlib import Path

from pneumoscope.phantom import studies_folder
from synthetic_studies.studies import write_studies


def main() -> None:
    """Write the studies and say where."""
    parser = argparse.ArgumentParser(prog="python -m synthetic_studies", description="Draw the demo's studies.")
    parser.add_argument("-o", "--output", type=Path, default=studies_folder(), help="folder; default: in the package")
    for path in write_studies(parser.parse_args().output):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
