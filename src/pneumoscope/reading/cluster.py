"""A Ray cluster, started or joined; each worker process loads the model once. The only module that imports Ray."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope import __version__
from pneumoscope.core import ArtifactError, ConfigError, RemoteError
from pneumoscope.model import load, shipped_path
from pneumoscope.reading.model import Model, load_model

_ANSWER_TIMEOUT_S = 5.0
_STARTS = 3
# Blocks in flight are numbers or names only, so the smallest object store that Ray allows is enough.
_OBJECT_STORE_BYTES = 80 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where to run: `local` starts a cluster on this machine; `ray://host:port` and `host:port` join one.

    Attributes:
        address: As above.
        workers: Most worker processes; None for one per processor (or per GPU). Ray starts them as they are needed.
        gpus_per_worker: Share of a GPU that each worker takes; 0 reads on the CPU.
    """

    address: str = "local"
    workers: int | None = None
    gpus_per_worker: float = 0.0


def mapped(items: list[Any], worker: type, arguments: tuple[Any, ...], *, cluster: Cluster) -> Iterator[dict[str, Any]]:
    """Yield what the workers return, in order; Ray Data holds back reading ahead and starts workers as needed."""
    import ray
    from ray.exceptions import RayError

    context = ray.data.DataContext.get_current()
    for name in ("ray.data", "ray.data._internal"):  # its import sets them up
        logging.getLogger(name).setLevel(logging.ERROR)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    available: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    most = cluster.workers or max(1, int(available.get("GPU" if cluster.gpus_per_worker else "CPU", 1)))
    held = np.empty(len(items), dtype=object)
    held[:] = items
    dataset = ray.data.from_items([{"item": one} for one in held], override_num_blocks=min(len(items), 1000))
    done = dataset.map_batches(
        worker,
        fn_constructor_args=arguments,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(most, len(items))),
        num_cpus=1,
        num_gpus=cluster.gpus_per_worker or None,
    )
    try:
        yield from done.iter_rows()
    except RayError as error:
        raise _plain(error) from error


def _plain(error: BaseException) -> Exception:
    """Return our own error where a worker raised one, else what Ray says in one line."""
    cause: BaseException | None = error
    while cause is not None:
        for kind in (ArtifactError, ConfigError, RemoteError):
            if isinstance(cause, kind):
                return kind(str(getattr(cause, "cause", None) or cause).splitlines()[-1])
        cause = getattr(cause, "cause", None) or cause.__cause__
    return RemoteError(f"cluster: expected every part to be read, found {str(error).strip().splitlines()[-1]}")


def check_workers(model: Path | None, sha256: str) -> None:
    """Ask each machine of the cluster whether it has this version and this model.

    Raises:
        ConfigError: One has not.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(num_cpus=0)(worker_problem)
    for node in ray.nodes():  # type: ignore[no-untyped-call]
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
            problem = ray.get(probe.options(scheduling_strategy=here).remote(model, sha256, __version__))
            if problem:
                raise ConfigError(f"worker on {node['NodeManagerHostname']}: {problem}")


@contextmanager
def connected(cluster: Cluster) -> Iterator[None]:
    """Start or join the cluster, and leave it in the end.

    Raises:
        RemoteError: It does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no request to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    if cluster.address == "local":
        options |= {"num_cpus": cluster.workers, "object_store_memory": _OBJECT_STORE_BYTES}
    else:
        _require_answer(cluster.address)
        options = {"address": cluster.address, "log_to_driver": False, "logging_level": "ERROR"}
    for attempt in range(_STARTS):
        try:
            ray.init(**options)
            break
        except Exception as error:  # Ray raises plain exceptions, such as when a busy machine takes long to start it
            ray.shutdown()
            if attempt + 1 == _STARTS:
                raise RemoteError(f"cluster {cluster.address}: expected it to start, found {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"cluster: expected local, ray://HOST:PORT or HOST:PORT, found {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_TIMEOUT_S).close()
    except OSError as error:
        raise RemoteError(f"cluster {address}: expected an answer, found {error}: is the head node running?") from error


def open_model(path: Path | None, sha256: str) -> Model:
    """Load the model in a worker process.

    Raises:
        ArtifactError: This process has another version of this software, no model or another model.
    """
    if problem := worker_problem(path, sha256, __version__):
        raise ArtifactError(f"worker on {socket.gethostname()}: {problem}")
    return load_model(path)


def worker_problem(model: Path | None, sha256: str, version: str) -> str | None:
    """Return what is wrong with this process as a worker; None where nothing is."""
    if __version__ != version:
        return f"expected pneumoscope {version}, found {__version__}: install the same version"
    try:
        found = load(model or shipped_path()).identity.sha256
    except (OSError, ArtifactError, ConfigError) as error:
        return f"expected the model {sha256[:12]}, found none: {error}"
    return None if found == sha256 else f"expected the model {sha256[:12]}, found {found[:12]}"
