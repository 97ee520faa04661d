"""An uploaded file into the inbox: one image, or the members of a zip archive, each on its own."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pneumoscope.core import InputError
from pneumoscope.intake import find_images
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.store import Image, Route, Store, images

CALLER = "upload"
_MEMBER = "!/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Each image that is safe, with whether it was known before; and why others are not."""

    images: tuple[tuple[Image, bool], ...]
    problems: tuple[str, ...]


def take(inbox: Inbox, stream: BinaryIO, *, store: Store) -> Taken:
    """Put each image in the upload into the queue; one that cannot be taken does not stop the others.

    Raises:
        CapacityError: The disk or the queue cannot take it now; images before it are safe, and known when sent again.
    """
    taken, problems = [], []
    with tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file)
        for number, source in enumerate(find_images([path]), start=1):
            try:
                receipt = inbox.take(source.read_bytes(), caller=CALLER, route=Route.UPLOAD)
            except InputError as error:
                problems.append(_told(str(error), source.path, number=number))
                continue
            image = images.find(store, receipt.uid)
            if image is None:
                problems.append(_told("object: expected an image, found a result of ours", source.path, number=number))
            else:
                taken.append((image, not receipt.new))
    return Taken(images=tuple(taken), problems=tuple(problems))


def _told(words: str, path: str, *, number: int) -> str:
    """Return the reason without the file's name, which may be a patient's; members of a zip have numbers."""
    reason = words.removeprefix(f"{path}: ")
    return f"file {number} of the archive: {reason}" if _MEMBER in path else reason
