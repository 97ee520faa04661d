"""Images that are not local files: object storage by fsspec, a DICOMweb archive by QIDO-RS and WADO-RS."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from pneumoscope.core import RemoteError, UnreadableError
from pneumoscope.intake import ImageSource, find_images

MODALITIES = ("CR", "DX")
_ARCHIVE = "dicomweb+"
_PAGE = 200
_ATTEMPTS = 4
_WAIT_MS = 250
_TIMEOUT_S = 30.0
_LARGEST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to read: a file (which may be a zip of many images), an object, or an instance of an archive.

    Attributes:
        path: Name shown in results.
        address: Absolute path or URL; for an archive its address.
        instance: Study, series and SOP instance UID within an archive.
        problem: Check, expected, found: why it cannot be read, where that was known when it was listed.
    """

    path: str
    address: str
    instance: tuple[str, str, str] | None = None
    problem: tuple[str, str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the item as JSON values."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Item":
        """Return the item that `to_json` described."""
        instance, problem = values["instance"], values["problem"]
        return cls(
            path=values["path"],
            address=values["address"],
            instance=None if instance is None else (instance[0], instance[1], instance[2]),
            problem=None if problem is None else (problem[0], problem[1], problem[2]),
        )


def list_items(addresses: Iterable[str]) -> Iterator[Item]:
    """Yield what lies at each address, in a fixed order: `path`, `s3://bucket/prefix`, `dicomweb+https://host/root`.

    Raises:
        RemoteError: A store or an archive does not answer, or refuses access.
    """
    for address in addresses:
        if address.startswith(_ARCHIVE):
            yield from _in_archive(address)
        elif "://" in address:
            yield from _in_store(address)
        else:
            yield from _in_folder(address)


def sources_of(item: Item) -> Iterator[ImageSource]:
    """Yield the images of one item, fetched where it is remote; what cannot be fetched is a source with a problem."""
    location = Path(item.address)
    if item.problem is not None:
        check, expected, found = item.problem
        problem = UnreadableError(check, expected=expected, found=found, path=item.path)
        yield ImageSource(path=item.path, location=location, problem=problem)
    elif (instance := item.instance) is not None:
        yield _fetched(item, lambda: _retrieve(item.address, instance))
    elif "://" in item.address:
        yield _fetched(item, lambda: _download(item.address))
    else:
        absolute = str(location)
        for source in find_images([location]):
            name = item.path + source.path.removeprefix(absolute)
            yield ImageSource(path=name, location=source.location, problem=source.problem)


def _in_folder(address: str) -> Iterator[Item]:
    """One item a file, archives not opened: the worker does that."""
    last = None
    for source in find_images([Path(address)]):
        assert not isinstance(source.location, bytes)
        file = source.location if isinstance(source.location, Path) else source.location.archive
        absolute = str(file.absolute())
        if source.problem is not None and isinstance(source.location, Path) and "!/" not in source.path:
            one = source.problem
            yield Item(path=source.path, address=absolute, problem=(one.check, one.expected, one.found))
        elif absolute != last:
            yield Item(path=source.path.partition("!/")[0], address=absolute)
        last = absolute


def _in_store(address: str) -> Iterator[Item]:
    """One item an object below the address; hidden objects and DICOMDIR are passed over, as in a folder."""
    import fsspec

    with _speaking_to(address):
        system, root = fsspec.core.url_to_fs(address)
        names = sorted(system.find(root))
        if not names and not system.exists(root):
            raise FileNotFoundError(root)
    for name in names:
        parts = PurePosixPath(name.removeprefix(root)).parts
        if not any(part.startswith(".") for part in parts) and PurePosixPath(name).name != "DICOMDIR":
            url = system.unstrip_protocol(name)
            yield Item(path=url, address=url)


def _in_archive(address: str) -> Iterator[Item]:
    """One item an instance of each CR and DX series; a series that the archive lists in part has a failed item too."""
    client = _client(address)
    for modality in MODALITIES:
        for series in _pages(address, client.search_for_series, filters={"Modality": modality}, fields=["00201209"]):
            study_uid, series_uid = _text(series, "0020000D"), _text(series, "0020000E")
            name = f"{address}/studies/{study_uid}/series/{series_uid}"
            search = _in_series(client, study_uid, series_uid)
            found = sorted({_text(one, "00080018") for one in _pages(address, search, filters={}, fields=[])})
            for uid in found:
                path = f"{name}/instances/{uid}"
                yield Item(path=path, address=address, instance=(study_uid, series_uid, uid))
            promised = _text(series, "00201209")
            if promised.isdigit() and int(promised) != len(found):
                yield Item(
                    path=name,
                    address=address,
                    problem=("archive", f"{promised} instances in the series", str(len(found))),
                )


def _in_series(client: Any, study_uid: str, series_uid: str) -> Any:
    def search(**options: Any) -> Any:
        return client.search_for_instances(study_instance_uid=study_uid, series_instance_uid=series_uid, **options)

    return search


def _pages(address: str, search: Any, *, filters: dict[str, str], fields: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the answers of a QIDO-RS search, page after page; an archive may give fewer than asked for."""
    offset, seen = 0, set[str]()
    while True:
        with _speaking_to(address):
            page = search(search_filters=filters, fields=fields, limit=_PAGE, offset=offset)
        new = [one for one in page if (key := _text(one, "00080018") or _text(one, "0020000E")) and key not in seen]
        if not new:
            return
        seen.update(_text(one, "00080018") or _text(one, "0020000E") for one in new)
        yield from new
        offset += len(page)


def _text(answer: dict[str, Any], tag: str) -> str:
    values = answer.get(tag, {}).get("Value") or [""]
    return str(values[0])


@lru_cache(maxsize=4)
def _client(address: str) -> Any:
    from dicomweb_client.api import DICOMwebClient
    from requests import Session

    session = Session()
    session.request = partial(session.request, timeout=_TIMEOUT_S)  # type: ignore[method-assign]
    client = DICOMwebClient(address.removeprefix(_ARCHIVE), session=session)
    client.set_http_retry_params(retry=True, max_attempts=_ATTEMPTS, wait_exponential_multiplier=_WAIT_MS)
    return client


def _retrieve(address: str, instance: tuple[str, str, str]) -> bytes:
    from pydicom import dcmwrite

    with _speaking_to(address):
        dataset = _client(address).retrieve_instance(*instance, media_types=(("application/dicom", "*"),))
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _download(url: str) -> bytes:
    import fsspec

    with _speaking_to(url):
        system, name = fsspec.core.url_to_fs(url)
        if (size := system.size(name)) is not None and size > _LARGEST_BYTES:
            raise UnreadableError("size", expected=f"at most {_LARGEST_BYTES:,} bytes", found=f"{size:,}", path=url)
        return bytes(system.cat_file(name))


def _fetched(item: Item, fetch: Any) -> ImageSource:
    try:
        return ImageSource(path=item.path, location=fetch())
    except UnreadableError as error:
        return ImageSource(path=item.path, location=b"", problem=error)
    except RemoteError as error:
        problem = UnreadableError("archive", expected="the image", found=str(error), path=item.path)
        return ImageSource(path=item.path, location=b"", problem=problem)


@contextmanager
def _speaking_to(address: str) -> Iterator[None]:
    """Turn what libraries raise about a store or an archive into one error that names the address and a next step.

    Raises:
        RemoteError: Always in place of another error.
    """
    from requests.exceptions import HTTPError, RequestException

    try:
        yield
    except (UnreadableError, RemoteError):
        raise
    except FileNotFoundError as error:
        raise RemoteError(f"{address}: expected objects, found nothing there") from error
    except PermissionError as error:
        raise RemoteError(f"{address}: expected access, found it refused: check the credentials ({error})") from error
    except HTTPError as error:
        status = "no status" if error.response is None else f"HTTP {error.response.status_code}"
        raise RemoteError(f"{address}: expected an answer within {_ATTEMPTS} attempts, found {status}") from error
    except (RequestException, OSError, ValueError, KeyError) as error:
        raise RemoteError(f"{address}: expected an answer, found {type(error).__name__}: {error}") from error
    except ImportError as error:
        protocol = address.partition("://")[0]
        raise RemoteError(f"{address}: expected a library for {protocol}, found none ({error})") from error
    except Exception as error:
        if type(error).__module__ == "retrying":
            raise RemoteError(f"{address}: expected an answer within {_ATTEMPTS} attempts, found {error}") from error
        if type(error).__module__.startswith(("botocore", "aiobotocore", "s3fs")):
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            raise RemoteError(f"{address}: expected credentials and access, found {error}: {hint}") from error
        raise
