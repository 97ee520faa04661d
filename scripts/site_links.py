"""MkDocs hook: links from a page to files outside docs/ lead to the repository instead."""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"(\]\(|src=\"|href=\")(?!https?:|mailto:|#)([^)\s\"#]+)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Replace relative links that leave the docs folder, or name a file that the site leaves out."""
    folder = posixpath.dirname(page.file.src_uri)

    def replace(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, match[2]))
        inside = target.removeprefix("docs/")
        known = files.get_file_from_path(inside)
        if target.startswith("docs/") and known is not None and not known.inclusion.is_excluded():
            return match[0]
        return f"{match[1]}{config.extra['source_url']}/{target}"

    return _LINK.sub(replace, markdown)
