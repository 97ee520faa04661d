import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Bullets, Code, Column, Note, Paragraph, Table
from pneumoscope.dossier.markup import parse_sections

TEXT = """# One {#one}

A paragraph
on two lines.

- first
- second,
  longer

1. a
2. b

> [!caution] Take
> care.

$ do --it

## Two {#two}

:: table-x | A caption.
| Name {2} | Number {0.5r} |
| a \\| b | 1 |

::made

# Three {#three appendix}
"""


def test_a_template_becomes_sections_with_blocks_in_order() -> None:
    made = Table("t", "c", (Column("x"),), ())
    one, two, three = parse_sections(TEXT, {"made": lambda: [made]}, where="x.md")
    assert (one.key, one.title, one.level, one.appendix) == ("one", "One", 1, False)
    assert one.blocks == (
        Paragraph("A paragraph on two lines."),
        Bullets(("first", "second, longer")),
        Bullets(("a", "b"), numbered=True),
        Note("caution", "Take care."),
        Code("do --it"),
    )
    written = Table(
        "table-x", "A caption.", (Column("Name", 2), Column("Number", 0.5, right=True)), (("a \\| b", "1"),)
    )
    assert two.blocks == (written, made)
    assert (three.appendix, three.blocks) == (True, ())


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("words first", "expected a heading first"),
        ("# No key", "expected '# Title"),
        ("# A {#a}\n\n::gone", "no table or figure 'gone'; known: there"),
        ("# A {#a}\n\n:: t | c\n| x | y |\n| 1 |", "rows of as many cells"),
    ],
)
def test_a_faulty_template_is_named_with_its_fault(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.md") as error:
        parse_sections(text, {"there": list}, where="x.md")
    assert part in str(error.value)
