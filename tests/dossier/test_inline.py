import pytest

from pneumoscope.dossier.inline import Blank, Link, Marked, Reference, Span, Target, Text, escape, parse, plain


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a **b** `c_d`", (Text("a "), Text("b", "strong"), Text(" "), Text("c_d", "code"))),
        ("*e*", (Text("e", "emphasis"),)),
        ("[@table-x] and [@risk:page]", (Reference("table-x"), Text(" and "), Reference("risk", with_page=True))),
        ("[FDA](https://www.fda.gov/x)", (Link("FDA", "https://www.fda.gov/x"),)),
        ("[!your name]", (Blank("your name"),)),
        ("[#ev-a]E1", (Target("ev-a"), Text("E1"))),
        ("2 * 3 [0.1, 0.2]", (Text("2 * 3 [0.1, 0.2]"),)),
    ],
)  # fmt: skip
def test_each_mark_is_its_own_span(text: str, spans: tuple[Span, ...]) -> None:
    assert parse(text) == spans


@pytest.mark.parametrize(
    "words", ["a*b*c", "[@risk]", "`x` \\ [!y]", "Lungenentzündung 肺炎 ⟦1⟧", "**", "[x](https://a.b)"]
)
def test_words_from_outside_stand_for_themselves(words: str) -> None:
    assert parse(escape(words)) == (Text(words),)
    assert plain(escape(words)) == words


def test_marked_text_is_not_escaped_twice() -> None:
    assert escape(Marked("**b**")) == "**b**"
