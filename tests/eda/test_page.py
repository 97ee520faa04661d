import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from pneumoscope.core import ConfigError
from pneumoscope.eda import Measured, Provenance, draw, explore, measure_pixels, write_report
from pneumoscope.eda.wording import decimal_interval, percent, percent_interval, short_percent
from pneumoscope.plotting import Dot, Rect, Text

PROVENANCE = Provenance(
    manifest="m.parquet", manifest_sha256="ab12", version="9.9", created="2026-01-01T00:00:00+00:00"
)


class Links(HTMLParser):
    """Everything in a page that a browser might fetch or jump to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action") and value:
                self.targets.append(value)
            if name == "id" and value:
                self.names.add(value)


@pytest.fixture(scope="module")
def measured(filmed: pd.DataFrame) -> Measured:
    return measure_pixels(filmed, finding="Pneumonia")


@pytest.fixture(scope="module")
def report(filmed: pd.DataFrame, measured: Measured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    exploration = explore(filmed, measured=measured)
    return write_report(
        exploration, tmp_path_factory.mktemp("out") / "report", provenance=PROVENANCE, measured=measured
    ).parent


def test_the_page_fetches_nothing_and_its_links_lead_somewhere(report: Path) -> None:
    page = (report / "index.html").read_text("utf-8")
    links = Links()
    links.feed(page)
    outside = [target for target in links.targets if not target.startswith(("#", "data:image/png"))]
    assert outside == []
    assert {target[1:] for target in links.targets if target.startswith("#")} <= links.names
    assert not re.search(r"url\(|@import|<script|http-equiv=.refresh", page)
    assert "default-src 'none'" in page


def test_every_figure_is_on_the_page_and_in_two_files_with_a_sentence(report: Path, filmed: pd.DataFrame) -> None:
    page = (report / "index.html").read_text("utf-8")
    names = {path.stem for path in (report / "figures").glob("*.svg")}
    assert names == {path.stem for path in (report / "figures").glob("*.png")}
    assert all(f'id="{name}-title"' in page for name in names)
    assert page.count('class="takeaway"') == page.count("<figcaption>") == len(names)
    for path in (report / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert image.width == 2 * 760


def test_every_number_and_its_origin_is_in_the_json(report: Path, filmed: pd.DataFrame) -> None:
    numbers = json.loads((report / "eda.json").read_text("utf-8"))
    assert numbers["provenance"] == {
        "manifest": "m.parquet",
        "manifest_sha256": "ab12",
        "version": "9.9",
        "created": "2026-01-01T00:00:00+00:00",
    }
    assert numbers["profile"]["positives"] == int(filmed["Pneumonia"].sum())
    assert numbers["films"]["measured"] == 240
    assert {"demographics", "profile", "acquisition", "readers", "shift", "floors", "films", "advice"} <= numbers.keys()


def test_what_a_data_set_calls_itself_cannot_break_the_page(six: pd.DataFrame, tmp_path: Path) -> None:
    hostile = six.assign(source="<script>alert(1)</script>")
    page = write_report(explore(hostile), tmp_path, provenance=PROVENANCE).read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_sections_without_numbers_say_why(six: pd.DataFrame, tmp_path: Path) -> None:
    page = write_report(explore(six), tmp_path, provenance=PROVENANCE).read_text("utf-8")
    assert "No images were measured" in page
    assert "Nobody but the source has labelled these images" in page


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 2), slice(2, 4), slice(0, 6)])
def test_the_smallest_manifests_make_a_report(six: pd.DataFrame, rows: slice, tmp_path: Path) -> None:
    page = write_report(explore(six.iloc[rows]), tmp_path, provenance=PROVENANCE).read_text("utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|None|inf)\b", text)


def test_marks_stay_inside_their_figure(many: pd.DataFrame, filmed: pd.DataFrame, measured: Measured) -> None:
    figures = [
        figure
        for exploration, films in ((explore(many), None), (explore(filmed, measured=measured), measured))
        for section in draw(exploration, films)
        for figure in section.figures
    ]
    for figure in figures:
        for mark in figure.marks:
            if isinstance(mark, Dot | Text):
                assert 0 <= mark.x <= figure.width, (figure.name, mark)
                assert 0 <= mark.y <= figure.height, (figure.name, mark)
            if isinstance(mark, Rect):
                assert mark.width >= 0, (figure.name, mark)
                assert mark.x + mark.width <= figure.width + 1, (figure.name, mark)


def test_different_shares_are_drawn_at_different_places(many: pd.DataFrame) -> None:
    figures = {figure.name: figure for section in draw(explore(many)) for figure in section.figures}
    for name in ("prevalence", "formats", "views-by-finding", "shortcut-floors"):
        places = {round(mark.x) for mark in figures[name].marks if isinstance(mark, Dot)}
        assert len(places) > 1, name


def test_a_folder_that_cannot_be_written_is_said_so(six: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file is in the way")
    with pytest.raises(ConfigError, match="expected a writable place"):
        write_report(explore(six), tmp_path / "report", provenance=PROVENANCE)


def test_advice_is_computed_from_the_numbers(many: pd.DataFrame) -> None:
    advice = {one.topic: one.text for one in explore(many).advice}
    learn = many[many["split"] != "test"]
    positives = int(learn["Pneumonia"].sum())
    assert f"{positives} positives and {len(learn) - positives} negatives" in advice["Class weights"]
    assert f"{(len(learn) - positives) / len(learn):.3f} for positives" in advice["Class weights"]
    assert "share no patient" in advice["Split"]
    assert "Image copies" not in advice


def test_shares_read_well_at_every_size() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert [percent(share) for share in (0.00434, 0.0128, 0.5696, 1)] == [
        f"{text}{space}%" for text in ("0.43", "1.3", "57.0", "100")
    ]
    assert [short_percent(share) for share in (0.004, 0.0996, 0.57)] == [
        f"{text}{space}%" for text in ("0.4", "10", "57")
    ]
    assert (percent_interval(None), decimal_interval(None)) == ("not estimable", "not estimable")
