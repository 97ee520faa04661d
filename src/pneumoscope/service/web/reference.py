"""`docs/reference/rest-api.md` from the application's own OpenAPI description.

python -m pneumoscope.service.web.reference > docs/reference/rest-api.md
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEAD = """# REST interface

Generated from the interface's own description (`/openapi.json` of a running node); a test fails when it is stale.

- Sign in with `Authorization: Bearer TOKEN`. Tokens: `pneumoscope token NAME --role ROLE --config node.toml`.
- Roles: `viewer` looks and comments; `admin` also uploads, exports feedback and handles dead letters; `machine` sends
  images and reads metrics, and sees no result.
- Errors are `application/problem+json` (RFC 9457): `title`, `status`, `detail`; they quote nothing that was sent.
- Addresses carry this node's numbers of images, never a UID or anything of a patient.
- Times are seconds since 1970, UTC.

```sh
curl -H "Authorization: Bearer $TOKEN" -F file=@chest.dcm http://127.0.0.1:8080/api/v1/images
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/images/1
```
"""


def reference(description: dict[str, Any]) -> str:
    """Return the description as Markdown: addresses by tag, then records."""
    return "\n".join([_HEAD, *_addresses(description["paths"]), *_records(description["components"]["schemas"])])


def _addresses(paths: dict[str, Any]) -> Iterator[str]:
    operations = [(path, method, one) for path, methods in paths.items() for method, one in methods.items()]
    for tag in dict.fromkeys(one["tags"][0] for _, _, one in operations):
        yield f"## {tag.capitalize() if tag.islower() else tag}\n"
        for path, method, one in operations:
            if one["tags"][0] == tag:
                yield from _operation(path, method, one)


def _operation(path: str, method: str, one: dict[str, Any]) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n"
    yield one.get("description") or one["summary"]
    for parameter in one.get("parameters", []):
        words = "" if parameter.get("required") else f", default `{parameter['schema'].get('default')}`"
        yield f"- `{parameter['name']}` ({parameter['in']}): {_kind(parameter['schema'])}{words}"
    for media, body in one.get("requestBody", {}).get("content", {}).items():
        yield f"- body, `{media}`: {_kind(body['schema'])}"
    for status, answer in one["responses"].items():
        content = answer.get("content", {})
        kind = next((_kind(body.get("schema", {})) for body in content.values()), "")
        yield f"- {status}: {answer['description']}{', ' + kind if kind else ''}"
    yield ""


def _records(schemas: dict[str, Any]) -> Iterator[str]:
    yield "## Records\n"
    for name, schema in schemas.items():
        if "properties" in schema and not name.startswith(("Body_", "HTTPValidation", "Validation")):
            yield f"### {name}\n"
            yield f"{schema.get('description', '')}\n"
            yield "| field | type | meaning |\n|---|---|---|"
            for field, value in schema["properties"].items():
                yield f"| `{field}` | {_kind(value)} | {value.get('description', '')} |"
            yield ""


def _kind(schema: dict[str, Any]) -> str:
    """Return the schema in a few words."""
    if reference_to := schema.get("$ref"):
        name = reference_to.rpartition("/")[2]
        return "a form with the field `file`" if name.startswith("Body_") else f"`{name}`"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(schema.get("const", schema.get("type", "")))


def main() -> None:
    """Print the reference."""
    from pneumoscope.model import load, shipped_path
    from pneumoscope.service.config import ServiceConfig, StoreConfig
    from pneumoscope.service.inbox import Inbox
    from pneumoscope.service.spool import Spool
    from pneumoscope.service.store import open_store
    from pneumoscope.service.web.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        config = ServiceConfig(store=StoreConfig(path=Path(folder)))
        store, spool = open_store(config.store.url), Spool(config.store.path)
        app = create_app(config, store=store, spool=spool, inbox=Inbox(store, spool), artifact=load(shipped_path()))
        sys.stdout.write(reference(app.openapi()))
        store.close()


if __name__ == "__main__":
    main()
