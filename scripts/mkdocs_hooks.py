"""MkDocs hooks: the command reference, figures from outside docs/, and links from docs/ into the repository."""

import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

_LINK = re.compile(r"(\]\(|src=\"|href=\")(?!https?:|mailto:|#)([^)\s\"#]+)")
_ROOT = Path(__file__).resolve().parents[1]
_FIGURES = (".svg", ".png")
_ORDER = ("Pneumoscope", "Tutorials", "How to", "Explanation", "Reference", "Submission", "Adr")


def on_files(files: Any, *, config: Any) -> Any:
    """Add reference/commands.md, and under repository/ each figure outside docs/ that a page shows."""
    manual = [sys.executable, _ROOT / "scripts" / "manual.py", "markdown"]
    text = subprocess.run(manual, check=True, capture_output=True, text=True).stdout
    files.append(File.generated(config, "reference/commands.md", content=text))
    for page in files.documentation_pages():
        for target in _targets(page.content_string, folder=posixpath.dirname(page.src_uri)):
            name = f"repository/{target}"
            if _is_outside_figure(target) and files.get_file_from_path(name) is None:
                files.append(File.generated(config, name, abs_src_path=str(_ROOT / target)))
    return files


def on_nav(nav: Any, *, config: Any, files: Any) -> Any:
    """Put the sections in the order in which a newcomer needs them."""
    nav.items.sort(key=lambda one: next((place for place, name in enumerate(_ORDER) if name == one.title), 0))
    return nav


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Point relative links that leave docs/ to the copied figure or to the repository."""
    folder = posixpath.dirname(page.file.src_uri)

    def replace(match: re.Match[str]) -> str:
        target = _normal(match[2], folder=folder)
        known = files.get_file_from_path(target.removeprefix("docs/"))
        if target.startswith("docs/") and known is not None and not known.inclusion.is_excluded():
            return match[0]
        if _is_outside_figure(target):
            return match[1] + posixpath.relpath(f"repository/{target}", folder or ".")
        return f"{match[1]}{config.extra['source_url']}/{target}"

    return _LINK.sub(replace, markdown)


def _targets(markdown: str, *, folder: str) -> list[str]:
    return [_normal(found[2], folder=folder) for found in _LINK.finditer(markdown)]


def _normal(link: str, *, folder: str) -> str:
    return posixpath.normpath(posixpath.join("docs", folder, link))


def _is_outside_figure(target: str) -> bool:
    return not target.startswith("docs/") and target.endswith(_FIGURES) and (_ROOT / target).is_file()
