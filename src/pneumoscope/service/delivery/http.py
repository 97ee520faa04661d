"""STOW-RS, webhook and FHIR: one object a request, over connections that are kept open."""

import json
import ssl
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from pneumoscope.core import ConfigError, RemoteError
from pneumoscope.service.config import Destination, Kind
from pneumoscope.service.delivery.sender import PeerDownError, RejectedError
from pneumoscope.service.store import Delivery

_LATER = (408, 425, 429)
_NO_RIGHT = (401, 403, 404, 405)
_TYPES = {Kind.WEBHOOK: "application/json", Kind.FHIR: "application/fhir+json"}


class HttpSender:
    """Sends to one address."""

    def __init__(self, destination: Destination) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigError: The file of certificates cannot be loaded.
        """
        self._kind = destination.kind
        self._address = destination.webhook or destination.fhir or f"{(destination.url or '').rstrip('/')}/studies"
        headers = {"Authorization": f"Bearer {destination.token}"} if destination.token else {}
        try:
            verify = ssl.create_default_context(cafile=destination.tls_ca) if destination.tls_ca else True
        except OSError as error:
            raise ConfigError(f"destination {destination.name!r}: expected certificates, found {error}") from error
        self._open = partial(
            httpx.Client, headers=headers, timeout=destination.timeout_s, verify=verify, trust_env=False
        )
        self._client: httpx.Client | None = None

    def send(self, delivery: Delivery, file: Path) -> None:
        """Return once the peer answered that it has the object.

        Raises:
            PeerDownError: No connection, no answer in time, or the peer says that it cannot serve now.
            RejectedError: It will not take this object.
            RemoteError: It did not take it now.
        """
        content = file.read_bytes()
        if self._kind is Kind.STOW:
            boundary = uuid4().hex
            headers = {
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
            }
            mark = boundary.encode()
            part = b"--" + mark + b"\r\nContent-Type: application/dicom\r\n\r\n"
            content = part + content + b"\r\n--" + mark + b"--\r\n"
        else:
            _require_json(content)
            headers = {"Content-Type": _TYPES[self._kind], "Idempotency-Key": delivery.object}
        try:
            self._client = self._client or self._open()
            response = self._client.post(self._address, content=content, headers=headers)
        except httpx.HTTPError as error:
            self.close()
            raise PeerDownError(f"peer: expected an answer, found {type(error).__name__}") from error
        self._judge(response)

    def close(self) -> None:
        """Close the connections; the next object opens one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _judge(self, response: httpx.Response) -> None:
        """Raise unless the peer has the object; the body is never quoted: it may name a patient.

        Source:
            PS3.18 10.5.3 (STOW-RS: 200 all kept, 202 some not, 409 none).
        """
        code = response.status_code
        reason = f"peer: expected success, found HTTP status {code}"
        if code == 200 or (code < 300 and self._kind is not Kind.STOW):
            return
        if code >= 500 or code in _LATER or code in _NO_RIGHT:
            raise PeerDownError(reason)
        if 400 <= code < 500 or code == 202:
            raise RejectedError(reason)
        raise RemoteError(reason)


def _require_json(content: bytes) -> None:
    """Raise `RejectedError` where a result file is damaged."""
    try:
        json.loads(content)
    except ValueError as error:
        raise RejectedError("result file: expected JSON, found damage") from error
