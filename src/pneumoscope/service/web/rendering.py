"""Rendering of pages from Jinja templates; every value is escaped, a missing one is an error."""

import time
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request, cookie_parser
from starlette.types import Scope

from pneumoscope import __version__
from pneumoscope.results import RESEARCH_USE
from pneumoscope.service.web import wording

THEME_COOKIE = "theme"
THEMES = ("dark", "light")


def render(name: str, *, scope: Scope, **values: Any) -> str:
    """Render a page; `scope` says who looks, in which theme, and where they are."""
    request = Request(scope)
    chosen = cookie_parser(request.headers.get("cookie", "")).get(THEME_COOKIE)
    frame = {
        "theme": chosen if chosen in THEMES else THEMES[0],
        "user": scope.get("state", {}).get("user"),
        "here": scope["path"],
        "now": time.time(),
    }
    return _environment().get_template(name).render(frame | values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pneumoscope.service.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"research_use": RESEARCH_USE, "version": __version__}
    environment.filters |= {"moment": wording.moment, "ago": wording.ago, "duration": wording.duration}
    return environment
