"""The model artefact: one ONNX file that carries its card and its own checksum.

An ONNX file is a protobuf message, and concatenated messages merge (protocol buffers encoding guide, "Last One
Wins"). So the card and then the checksum are appended to the exported graph as metadata entries, and the checksum
covers every byte before its own entry. The file stays a plain ONNX model for any other program.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pneumoscope.core import ArtifactError, ModelIdentity
from pneumoscope.model.card import Card, parse_card

OUTPUTS = ("logit", "cam", "embedding", "distance")
# Probability of lying in a lung, on a grid over the input; artefacts may be without.
LUNGS = "lungs"
# The same of each member by itself, for who measures on patients that one of them has not seen; no engine asks for it.
MEMBER_OUTPUTS = ("member_logit", "member_cam", "member_distance")
_CARD_KEY, _DIGEST_KEY = "pneumoscope_card", "sha256"
_METADATA_TAG = 14 << 3 | 2  # ModelProto.metadata_props = 14, length-delimited (onnx.proto3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Artifact:
    """A verified artefact: the ONNX bytes, the card, and the identity that goes into every result."""

    onnx: bytes
    card: Card
    identity: ModelIdentity


def shipped_path() -> Path:
    """Return the path of the artefact that ships with the package and reads by default."""
    return Path(str(resources.files("pneumoscope.model") / "pneumonia.onnx"))


def load(path: Path) -> Artifact:
    """Return the artefact in a file, its checksum and card verified.

    Raises:
        ArtifactError: The file is missing, is no artefact of ours, or its bytes are not what was sealed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path}: expected a model artefact, found {error.strerror}") from error
    entry = _metadata({_DIGEST_KEY: "0" * 64})
    body, trailer = data[: -len(entry)], data[-len(entry) :]
    if trailer[:-64] != entry[:-64]:
        raise ArtifactError(
            f"{path}: expected an ONNX file sealed by `pneumoscope export`, found no checksum at its end"
        )
    if hashlib.sha256(body).hexdigest().encode() != trailer[-64:]:
        raise ArtifactError(f"{path}: the checksum does not match: the file was changed or damaged after it was sealed")
    card = parse_card(_sealed_card(body, path))
    identity = ModelIdentity(name=card.name, version=card.version, sha256=hashlib.sha256(data).hexdigest())
    return Artifact(onnx=data, card=card, identity=identity)


def seal(graph: bytes, card: Card) -> bytes:
    """Return an exported ONNX graph with the card and the checksum appended."""
    text = card.to_json()
    body = graph + _metadata({_CARD_KEY: text, f"{_CARD_KEY}_bytes": f"{len(text.encode()):010d}"})
    return body + _metadata({_DIGEST_KEY: hashlib.sha256(body).hexdigest()})


def _sealed_card(body: bytes, path: Path) -> str:
    """Return the card's text: the entry before last of the sealed file; the last gives its length."""
    size_entry = _metadata({f"{_CARD_KEY}_bytes": "0" * 10})
    digits = body[-10:]
    if body[-len(size_entry) : -10] != size_entry[:-10] or not digits.isdigit():
        raise ArtifactError(f"{path}: expected a model card, found none")
    end = len(body) - len(size_entry)
    return body[end - int(digits) : end].decode("utf-8", errors="replace")


def _metadata(entries: Mapping[str, str]) -> bytes:
    """Metadata entries in protobuf's wire format: a ModelProto with nothing else."""
    encoded = b""
    for key, value in entries.items():
        pair = _field(1 << 3 | 2, key.encode()) + _field(2 << 3 | 2, value.encode())
        encoded += _field(_METADATA_TAG, pair)
    return encoded


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
