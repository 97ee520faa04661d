from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Figure,
    Note,
    Panel,
    Paragraph,
    Section,
    Table,
)
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.markdown import to_markdown
from pneumoscope.dossier.typeset import to_typst

NASTY = "Größe #1 *of* [a] <b> $x$ @y \"q\" 'r' 肺炎 | \\ ~ = - + / `"


def table(key: str, *rows: tuple[str, ...], caption: str = "Caption.") -> Table:
    return Table(key, caption, (Column("a"), Column("b", right=True)), rows)


def document(*sections: Section, title: str = "Device") -> Document:
    return Document(
        title=title, subtitle="Sub", facts=(("Name", escape(title)),), notice="Draft.", header="h", sections=sections,
        evidence=("nih-test",),
    )  # fmt: skip


def section(key: str, *blocks: Block, level: int = 1, appendix: bool = False) -> Section:
    return Section(key, f"About {key}", level, blocks, appendix=appendix)


def test_sections_tables_and_figures_are_numbered_and_appendices_lettered() -> None:
    figure = Figure("fig", "c", (Panel(Path("/x/f.svg"), "alt"),))
    made = document(
        section("a", table("t1")),
        section("b", table("t2"), figure, level=2),
        section("c", level=3),
        section("d"),
        section("e", level=2),
        section("x", table("t3"), appendix=True),
        section("y"),
        section("z", level=2),
    )
    shown = {key: anchor.shown for key, anchor in made.anchors.items()}
    assert shown == {
        "ev-nih-test": "E1", "a": "section 1", "b": "section 1.1", "c": "section 1.1.1", "d": "section 2",
        "e": "section 2.1", "t1": "table 1", "t2": "table 2", "fig": "figure 1", "x": "appendix A", "t3": "table 3",
        "y": "appendix B", "z": "appendix B.1",
    }  # fmt: skip


def test_references_that_lead_nowhere_and_keys_used_twice_are_all_named() -> None:
    with pytest.raises(ConfigError) as error:
        document(section("a", Paragraph("[@gone] [@ev-other]")), section("b", table("a", ("[@lost]", ""))))
    for part in ("'gone'", "'ev-other'", "'lost'", "key 'a' is used twice"):
        assert part in str(error.value)


def test_a_table_with_a_row_of_another_length_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="expected 2 cells a row, found 3"):
        table("t", ("a", "b"), ("a", "b", "c"))


def test_markdown_and_pdf_source_hold_the_same_words_in_the_same_order() -> None:
    made = document(
        section("a", Paragraph("First **strong**."), Note("caution", "Second."), Bullets(("Third.", "Fourth."))),
        section("b", table("t", ("Fifth.", "Sixth."), caption="Seventh."), Code("eighth --option")),
    )
    words = ("First", "strong", "Second", "Third", "Fourth", "Seventh", "Fifth", "Sixth", "eighth")
    for text in (to_markdown(made, Path("/x")), to_typst(made, Path("/x"))):
        places = [text.rindex(word) for word in words]
        assert places == sorted(places)


def test_any_words_can_be_set_in_the_pdf_and_read_back(tmp_path: Path) -> None:
    import datetime as dt

    from pneumoscope.dossier.typeset import to_pdf

    made = document(
        section("a", Paragraph(escape(NASTY)), table("t", (escape(NASTY), "long" * 60))), title=f"N {NASTY}"
    )
    to_pdf(made, tmp_path / "d.pdf", created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    first = (tmp_path / "d.pdf").read_bytes()
    assert first.startswith(b"%PDF-1.7")
    to_pdf(made, tmp_path / "d.pdf", created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert (tmp_path / "d.pdf").read_bytes() == first
    assert not (tmp_path / "d.typ").exists()


def test_a_cell_with_a_bar_stays_one_cell_of_the_markdown() -> None:
    text = to_markdown(document(section("a", table("t", (escape("x | y"), "z")))), Path("/x"))
    assert "| x \\| y | z |" in text
