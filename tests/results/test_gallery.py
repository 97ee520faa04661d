import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from pneumoscope.core import ConfigError, ResultObject
from pneumoscope.results import Outputs
from pneumoscope.results import gallery as gallery_module
from pneumoscope.results.gallery import Gallery

VOID = {"meta", "img", "input", "wbr", "br"}


class Page(HTMLParser):
    """Refuses unbalanced elements; counts elements and keeps attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.counts, self.attributes, self.words = [], Counter(), [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.counts[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture
def gallery(tmp_path, card):
    made = Gallery(tmp_path / "index.html", summary=card)
    yield made
    made.close(complete=True)


@pytest.fixture
def page(tmp_path):
    return lambda: Page((tmp_path / "index.html").read_text("utf-8"))


def test_the_page_is_whole_before_during_and_after(gallery, page, analysed, refused, radiograph):
    assert page().counts["article"] == 0
    gallery.add(analysed(radiograph=radiograph(ds=None)), outputs=Outputs())
    gallery.add(refused(), outputs=Outputs())
    during = page()
    assert during.counts["article"] == 2
    assert "1 of 2 images analysed: 1 suspicious, 0 not suspicious, 0 uncertain; 1 refused" in during.text
    assert "Still reading, or stopped before the end" in during.text
    gallery.close(complete=True)
    assert "Still reading" not in page().text
    assert "Stopped before" not in page().text


def test_an_interrupted_page_says_so(gallery, page, analysed, radiograph):
    gallery.add(analysed(radiograph=radiograph(ds=None)), outputs=Outputs())
    gallery.close(complete=False)
    assert "Stopped before the end: not all inputs were read." in page().text


def test_every_reading_is_counted_in_one_group(gallery, page, analysed, refused, failed):
    for reading in (
        analysed(),
        analysed(uncertain=True),
        analysed(probability=0.1),
        refused(),
        failed(),
    ):
        gallery.add(reading, outputs=Outputs())
    text = page().text
    assert "All 5Suspicious 1Not suspicious 1Uncertain 1Refused 1Failed 1" in text
    assert page().values("data-kind") == ["suspicious", "uncertain", "clear", "refused", "failed"]


def test_a_card_tells_decision_numbers_checks_files_and_notes(gallery, page, analysed, radiograph):
    outputs = Outputs(
        files={ResultObject.OVERLAY: "a b.overlay.png", ResultObject.SR: "a.sr.dcm"}, notes=("left out: PatientAge",)
    )
    gallery.add(analysed(radiograph=radiograph(ds=None)), outputs=outputs)
    found = page()
    for words in (
        "Suspicious for pneumonia",
        "83.0 %",
        "Threshold 41.0 % (balanced, adults)",
        "View PA",
        "Checks: 1 passed, 1 not available",
        "1 to 100 years",
        "left out: PatientAge",
        "Model pneumoscope-small 1.2.0, SHA-256 3f9ac41b22d0; operating point balanced",
        "Research use only",
    ):
        assert words in found.text
    assert [value for value in found.values("href") if not value.startswith("#")] == [
        "a%20b.overlay.png",
        "a.sr.dcm",
    ]
    assert any("left:41.00%" in value for value in found.values("style"))


@pytest.mark.req("REQ-RD-05")
def test_refused_and_failed_cards_give_every_reason_and_are_no_negatives(gallery, page, refused, failed):
    gallery.add(refused(), outputs=Outputs())
    gallery.add(failed(), outputs=Outputs())
    text = page().text
    assert "modality: expected CR or DX, found CT" in text
    assert "body part: expected CHEST, found RIBCAGE" in text
    assert "file: expected a DICOM, PNG or JPEG file, found an empty file" in text
    assert text.count("Not analysed. This is not a negative result.") == 2


@pytest.mark.req("REQ-RS-07")
def test_hostile_names_and_values_are_text_and_nothing_is_fetched(gallery, page, refused, tmp_path):
    evil = '</article><script>alert(1)</script><img src="http://evil/x.png" onerror=alert(2)>\u202e\udcff'
    gallery.add(refused(path=f"in/{evil}", found=evil), outputs=Outputs(notes=(evil,)))
    found = page()
    assert found.counts["script"] == 1
    assert found.counts["img"] == 0
    assert found.counts["article"] == 1
    assert "alert(1)" in found.text
    assert not any(name.startswith("on") for _, name, _ in found.attributes)
    assert found.values("src") == []
    assert "\u202e" not in (tmp_path / "index.html").read_text("utf-8")


def test_the_page_refers_to_nothing_outside_itself(gallery, page, analysed, radiograph):
    gallery.add(analysed(radiograph=radiograph(ds=None)), outputs=Outputs())
    assert all(value.startswith("data:image/webp;base64,") for value in page().values("src"))
    assert page().values("src")
    assert any("default-src 'none'" in value for value in page().values("content"))


def test_pictures_get_smaller_then_are_left_out_then_cards_are_only_counted(
    gallery, page, analysed, radiograph, monkeypatch, tmp_path
):
    size = (tmp_path / "index.html").stat().st_size
    monkeypatch.setattr(gallery_module, "_LARGE_UNTIL", size + 2_000)
    monkeypatch.setattr(gallery_module, "_SMALL_UNTIL", size + 8_000)
    monkeypatch.setattr(gallery_module, "_CARDS_UNTIL", size + 14_000)
    for number in range(40):
        gallery.add(analysed(path=f"in/{number}.dcm", radiograph=radiograph(ds=None)), outputs=Outputs())
    found = page()
    widths = found.values("width")
    assert widths[0] == "320"
    assert "160" in widths
    assert "Picture left out: too many for one page" in found.text
    left_out = 40 - found.counts["article"]
    assert left_out > 0
    assert f"{left_out} more are left out of this page; results.csv has them all." in found.text
    assert "All 40" in found.text


def test_the_summary_has_room_for_the_longest_names(gallery, page, analysed):
    from dataclasses import replace

    model = replace(analysed().model, name="<&山" * 99, version="\U0001f600" * 99)
    for number in range(9):
        decision = replace(analysed().decision, operating_point=f"{number}" + "&山" * 99)
        gallery.add(replace(analysed(), model=model, decision=decision), outputs=Outputs())
    assert page().counts["article"] == 9


def test_a_page_that_cannot_be_written_is_a_config_error(tmp_path, card):
    with pytest.raises(ConfigError, match=r"index\.html"):
        Gallery(tmp_path / "nowhere" / "index.html", summary=card)
