"""Mutated files: whatever the bytes are, intake ends in a radiograph or in our own error, soon and in little memory.

`make fuzz` reads more of them; `PNEUMOSCOPE_FUZZ` is their number.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import uid

from pneumoscope.intake.frame import SUPPORTED

MUTATIONS = int(os.environ.get("PNEUMOSCOPE_FUZZ", "4000"))
SLOWEST_S = 10.0
MEMORY_MB = 600

Make = Callable[..., bytes]


def valid_files(gradient: np.ndarray, make_dicom: Make) -> list[bytes]:
    """One in each transfer syntax that intake reads, and a signed one."""
    files = []
    for syntax in sorted(SUPPORTED):
        pixels = (gradient >> 4).astype(np.uint8) if syntax == uid.JPEGBaseline8Bit else gradient
        bits = {"BitsStored": 12, "HighBit": 11} if syntax == uid.JPEGExtended12Bit else {}
        files.append(make_dicom(pixels, syntax=syntax, WindowCenter=2000, WindowWidth=3000, **bits))
    return [*files, make_dicom(gradient.astype("<i2"), PixelPaddingValue=0, RescaleSlope=1, RescaleIntercept=-100)]


def test_a_mutated_file_is_read_or_named_unreadable_and_never_worse(
    gradient: np.ndarray, make_dicom: Make, tmp_path: Path
) -> None:
    for index, content in enumerate(valid_files(gradient, make_dicom)):
        (tmp_path / f"{index:02d}.dcm").write_bytes(content)
    program = [
        sys.executable,
        "-W",
        "ignore",
        str(Path(__file__).with_name("campaign.py")),
        str(tmp_path),
        str(MUTATIONS),
    ]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120 + MUTATIONS * 0.1, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    tally = json.loads(done.stdout)
    print(tally)  # seen by `make fuzz`
    assert tally["read"] + tally["unreadable"] == MUTATIONS
    assert min(tally["read"], tally["unreadable"]) > MUTATIONS / 20, (
        "mutations that all fail, or all pass, test nothing"
    )
    assert tally["slowest_s"] < SLOWEST_S
    assert tally["grown_mb"] < MEMORY_MB
