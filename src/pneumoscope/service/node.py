"""The whole node: everything that listens, reads and delivers, started and stopped together."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError, ConfigError, InputError
from pneumoscope.model import load, shipped_path
from pneumoscope.service.completion import Completion
from pneumoscope.service.config import ServiceConfig, WebConfig
from pneumoscope.service.cores import shares
from pneumoscope.service.delivery import DeliveryWorker, open_sender
from pneumoscope.service.housekeeping import Housekeeping
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.log import logger
from pneumoscope.service.monitoring import MonitoringJob, note_refusal
from pneumoscope.service.scp import StorageScp
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import deliveries, images, open_store
from pneumoscope.service.watch import Watch
from pneumoscope.service.web import create_app, first_token
from pneumoscope.service.worker import Worker

GRACE_S = 30.0
"""How long what is under way may take to end in order; what is left is done by the next start."""


class Node:
    """One node; `start` returns when it listens, `stop` when everything has ended."""

    def __init__(self, config: ServiceConfig) -> None:
        """Open the store and load the model; nothing listens yet.

        Raises:
            ConfigError: Something in the configuration cannot be had.
            ArtifactError: The model cannot be loaded.
        """
        self.config = config
        self.spool = Spool(config.store.path, min_free_mb=config.store.min_free_mb)
        self.store = open_store(config.store.url)
        self.broken = threading.Event()  # set when a part ended that never should: stop, and start again
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._threads: list[threading.Thread] = []
        self._name = f"{socket.gethostname()}:{config.node.port}/"
        self.inbox = Inbox(
            self.store,
            self.spool,
            arrived=self._arrived.set,
            refused=self._note_refusal,
            max_object_mb=config.node.max_object_mb,
            max_in_flight_mb=config.node.max_in_flight_mb,
        )
        artifact = self._artifact = load(config.reading.model or shipped_path())
        self._workers = [
            Worker(
                config.reading,
                name=f"{self._name}reader{number}",
                store=self.store,
                spool=self.spool,
                artifact=artifact,
                destinations=config.destination,
                cores=cores,
            )
            for number, cores in enumerate(shares(config.reading.workers, each=config.reading.cores))
        ]
        senders = [open_sender(one, calling=config.node.ae_title) for one in config.destination]
        self._delivery_workers = [
            DeliveryWorker(one, name=f"{self._name}delivery", store=self.store, spool=self.spool, sender=sender)
            for one, sender in zip(config.destination, senders, strict=True)
        ]
        sent = () if config.reading.silent else config.destination
        self._completion = Completion(config.study, store=self.store, spool=self.spool, destinations=sent)
        self.scp = StorageScp(config.node, inbox=self.inbox, released=self._completion.released)
        app = create_app(config, store=self.store, spool=self.spool, inbox=self.inbox, artifact=artifact)
        self._monitoring = MonitoringJob(config, store=self.store, artifact=artifact, model=self._workers[0].model)
        self._web = uvicorn.Server(_web_settings(app, config))

    @property
    def web_port(self) -> int:
        """The page's port in use; another than configured where that was 0."""
        return int(self._web.servers[0].sockets[0].getsockname()[1])

    def start(self) -> str | None:
        """Listen and work; return the first admin token where the page needs one, to be shown once.

        Raises:
            ConfigError: A port cannot be had.
        """
        self._recover()
        token = first_token(self.config, self.store)
        _require_certificate(self.config.web)
        self.scp.start()
        try:
            self._start_web()
        except ConfigError:
            self.scp.stop()
            raise
        for worker in self._workers:
            self._run("reader", worker.run, stop=self._stop, arrived=self._arrived)
        for sender in self._delivery_workers:
            self._run("delivery", sender.run, stop=self._stop)
        self._run("completion", self._completion.run, stop=self._stop)
        housekeeping = Housekeeping(self.config.store, store=self.store, spool=self.spool, watch=self.config.watch)
        self._run("housekeeping", housekeeping.run, stop=self._stop)
        self._run("monitoring", self._monitoring.run, stop=self._stop)
        if self.config.watch.path is not None:
            watch = Watch(self.config.watch, inbox=self.inbox, max_object_mb=self.config.node.max_object_mb)
            self._run("watch", watch.run, stop=self._stop)
        logger.info("started", dicom_port=self.scp.port, web_port=self.web_port)
        return token

    def stop(self) -> None:
        """Stop listening first, then end what is under way; nothing that was acknowledged is lost either way."""
        self.scp.stop()
        self._web.should_exit = True
        self._stop.set()
        self._arrived.set()
        until = time.monotonic() + GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if late := [thread.name for thread in self._threads if thread.is_alive()]:
            logger.warning("stopped with work under way; the next start takes it up", threads=len(late))
        self.store.close()
        logger.info("stopped")

    def _recover(self) -> None:
        """Resume what an earlier run of this node left: its claims, and objects that have no row."""
        held = images.release_claims_of(self.store, self._name) + deliveries.release_claims_of(self.store, self._name)
        recovered = 0
        known = images.files(self.store)
        for relative, _path in self.spool.objects():
            if relative not in known:
                try:
                    recovered += self.inbox.recover(relative)
                except (InputError, CapacityError, OSError) as error:
                    reason = str(error.strerror if isinstance(error, OSError) else error)
                    logger.error("an object in the spool cannot be queued", reason=reason)
        if held or recovered:
            logger.info("resumed what an earlier run left", claims=held, objects=recovered)

    def _note_refusal(self, caller: str, reason: str) -> None:
        """Show a refused object on the monitoring page: once a day for each sender and reason, since no row has it."""
        with suppress(SQLAlchemyError):
            note_refusal(self.store, caller=caller, reason=reason, model_sha256=self._artifact.identity.sha256)

    def _start_web(self) -> None:
        listening = _listen(self.config.web)
        thread = self._run("web", self._web.run, sockets=[listening])
        until = time.monotonic() + GRACE_S
        while not self._web.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise ConfigError("web: expected the page to start, found that it ended; the log says why")
            time.sleep(0.02)

    def _run(self, name: str, work: Callable[..., Any], **options: Any) -> threading.Thread:
        def guarded() -> None:
            try:
                work(**options)
            except Exception as error:  # a bug of ours: better no node than one that looks alive and reads nothing
                logger.critical("a part ended", part=name, error=type(error).__name__)
                self.broken.set()
                raise

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread


def _require_certificate(config: WebConfig) -> None:
    """Raise `ConfigError` where the page's certificate and key do not load, or do not belong together."""
    if config.tls_certificate is None:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.tls_certificate, config.tls_key, password="")
    except OSError as error:
        found = getattr(error, "reason", None) or error.strerror or error
        expected = "a certificate and its key, in PEM without a password"
        raise ConfigError(f"web.tls_certificate, web.tls_key: expected {expected}, found: {found}") from error


def _listen(config: WebConfig) -> socket.socket:
    """Return a socket that listens at the page's address.

    Raises:
        ConfigError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((config.host, config.port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        where = f"{config.host}:{config.port}"
        raise ConfigError(f"web: expected a free address, found {where}: {error.strerror or error}") from error
    return listening


def _web_settings(app: Any, config: ServiceConfig) -> uvicorn.Config:
    """No access log: it would hold addresses of studies; `service.web` keeps its own audit log."""
    return uvicorn.Config(
        app,
        host=config.web.host,
        port=config.web.port,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe X-Forwarded-For from loopback; `web.trusted_proxies` decides
        log_level="critical",
        timeout_graceful_shutdown=5,
        ssl_certfile=config.web.tls_certificate,
        ssl_keyfile=config.web.tls_key,
    )
