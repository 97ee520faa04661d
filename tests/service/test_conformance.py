from pathlib import Path

from pneumoscope.service import statement

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "conformance.md"


def test_the_statement_in_the_docs_is_what_the_code_says():
    assert PAGE.read_text() == statement(), "stale: pneumoscope conformance > docs/reference/conformance.md"


def test_the_statement_names_every_class_and_syntax_by_uid():
    from pneumoscope.intake import RADIOGRAPH_CLASSES, TRANSFER_SYNTAXES
    from pneumoscope.service.delivery.dicom import SENT_CLASSES

    words = statement()
    assert all(f"| {uid} |" in words for uid in [*RADIOGRAPH_CLASSES, *TRANSFER_SYNTAXES, *SENT_CLASSES])
