"""Reads mutated copies of valid files, in a process of its own: a crash of native code ends this, not the tests.

python campaign.py FOLDER COUNT     FOLDER holds the valid files; prints a tally as JSON. The file being read is
                                    FOLDER/mutated, should the process die of it.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pneumoscope.core import IntendedUse, Outcome, UnreadableError
from pneumoscope.intake import check, read_radiograph

SEED = 20
USE = IntendedUse(youngest_years=18, oldest_years=100, smallest_px=32)

Mutate = Callable[[bytearray, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the mutated files; `slowest_s` and `grown_mb` are the worst of all."""

    read: int
    unreadable: int
    slowest_s: float
    grown_mb: float


def flip_bits(content: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(len(content), size=int(rng.integers(1, 9))):
        content[at] ^= 1 << int(rng.integers(8))


def overwrite(content: bytearray, rng: np.random.Generator) -> None:
    at, length = int(rng.integers(len(content))), int(rng.integers(1, 17))
    content[at : at + length] = rng.bytes(min(length, len(content) - at))


def extreme_number(content: bytearray, rng: np.random.Generator) -> None:
    """A length or a size that lies: 0, the largest, or the one that turns negative."""
    at, width = int(rng.integers(len(content) - 4)), int(rng.choice([2, 4]))
    number = int(rng.choice([0, 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1]))
    content[at : at + width] = number.to_bytes(width, "little")


def cut_off(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(1, len(content))) :]


def take_out(content: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(content)))
    del content[at : at + int(rng.integers(1, 65))]


def repeat(content: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(content)))
    content[at:at] = content[at : at + int(rng.integers(1, 65))]


MUTATORS: tuple[Mutate, ...] = (flip_bits, overwrite, extreme_number, cut_off, take_out, repeat)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        if len(changed) > 8:
            MUTATORS[int(rng.integers(len(MUTATORS)))](changed, rng)
    return bytes(changed)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def campaign(folder: Path, *, count: int) -> Tally:
    originals = [path.read_bytes() for path in sorted(folder.glob("*.dcm"))]
    path, rng, read, slowest_s = folder / "mutated", np.random.default_rng(SEED), 0, 0.0
    for original in originals:  # decoders loaded, so that what follows is what mutations cost
        path.write_bytes(original)
        check(read_radiograph(path), USE)
    before_mb = peak_mb()
    for index in range(count):
        path.write_bytes(mutated(originals[index % len(originals)], rng))
        started = time.perf_counter()
        try:
            radiograph = read_radiograph(path)
            checks = check(radiograph, USE)
            if radiograph.pixels is None and not any(one.outcome is Outcome.FAILED for one in checks):
                raise AssertionError("expected pixels, or a check that says why there are none")
            read += 1
        except UnreadableError as error:
            if not (error.expected and error.found):
                raise AssertionError(f"expected a reason, found {error}") from error
        slowest_s = max(slowest_s, time.perf_counter() - started)
    return Tally(read, count - read, slowest_s, peak_mb() - before_mb)


if __name__ == "__main__":
    print(json.dumps(asdict(campaign(Path(sys.argv[1]), count=int(sys.argv[2])))))
