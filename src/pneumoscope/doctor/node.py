"""Checks of what a node's configuration needs: ports, certificates, database."""

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pneumoscope.doctor.finding import Finding, Level

if TYPE_CHECKING:
    from pneumoscope.service import ServiceConfig

_WARN_DAYS = 30


def check_node(config: "ServiceConfig") -> Iterator[Finding]:
    """Yield the findings about ports, certificates and database of a configuration."""
    yield from _ports(config)
    yield from _certificates(config)
    yield from _database(config)


def _ports(config: "ServiceConfig") -> Iterator[Finding]:
    for name, host, port in (
        ("DICOM", config.node.host, config.node.port),
        ("web", config.web.host, config.web.port),
    ):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            advice = "fine if the node is running now; otherwise choose another port or address, or ports above 1023"
            found = f"{host}:{port}: {error.strerror or error}"
            yield Finding(name=f"port {name}", level=Level.WARNING, found=found, advice=advice)
        else:
            yield Finding(name=f"port {name}", level=Level.OK, found=f"{host}:{port} is free")


def _certificates(config: "ServiceConfig") -> Iterator[Finding]:
    for name, certificate, key in (
        ("DICOM", config.node.tls_certificate, config.node.tls_key),
        ("web", config.web.tls_certificate, config.web.tls_key),
    ):
        if certificate is None or key is None:
            continue
        title = f"certificate {name}"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            ends = valid_until(certificate.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            advice = "give a PEM certificate and its own key, readable by the user that runs the node"
            yield Finding(name=title, level=Level.PROBLEM, found=f"{certificate}: {error}", advice=advice)
            continue
        days = (ends - datetime.now(UTC)).days
        level = Level.PROBLEM if days < 0 else Level.WARNING if days < _WARN_DAYS else Level.OK
        found = f"{certificate}: valid until {ends:%Y-%m-%d}"
        yield Finding(name=title, level=level, found=found, advice="" if level is Level.OK else "renew the certificate")


def valid_until(pem: str) -> datetime:
    """Return the end of a certificate's validity.

    Raises:
        ValueError: It is no PEM certificate, or has no such date.

    Source:
        RFC 5280, section 4.1.2.5: Validity is notBefore and notAfter, as UTCTime or GeneralizedTime.
    """
    block = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL)
    if block is None:
        raise ValueError("expected a PEM certificate, found none")
    times = re.findall(rb"\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z", ssl.PEM_cert_to_DER_cert(block[0]))
    if len(times) < 2:
        raise ValueError("expected a validity, found none")
    short, long = (one.decode() for one in times[1])
    if short:
        long = ("20" if int(short[:2]) < 50 else "19") + short
    return datetime.strptime(long, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _database(config: "ServiceConfig") -> Iterator[Finding]:
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    advice = "check address, user and password (PGPASSFILE), and that the server listens for this machine"
    try:
        url = make_url(config.store.url)
        shown = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            yield Finding(name="database", level=Level.OK, found=f"{shown}: will be made at the first start")
            return
        options = {"connect_timeout": 5} if url.get_backend_name() == "postgresql" else {}
        engine = create_engine(url, connect_args=options)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        engine.dispose()
    except ModuleNotFoundError as error:
        need = "pip install 'pneumoscope[postgresql]'"
        yield Finding(name="database", level=Level.PROBLEM, found=str(error), advice=need)
    except (SQLAlchemyError, ArgumentError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        yield Finding(name="database", level=Level.PROBLEM, found=reason, advice=advice)
    else:
        yield Finding(name="database", level=Level.OK, found=f"{shown}: answers")
