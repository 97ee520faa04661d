"""The reference page and the package say the same."""

import re
from pathlib import Path

from pneumoscope import stats

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "statistics.md"


def test_the_reference_page_lists_every_function_and_no_other():
    listed = {name for line in PAGE.read_text().splitlines() if line.startswith("| `") for name in names(line)}
    functions = {name for name in stats.__all__ if name[0].islower()}
    assert listed == functions


def names(line: str) -> list[str]:
    return re.findall(r"`(\w+)`", line.split("|")[1])


def test_every_public_function_says_where_it_comes_from():
    functions = [getattr(stats, name) for name in stats.__all__ if name[0].islower()]
    assert [function.__name__ for function in functions if "Source:" not in (function.__doc__ or "")] == []
