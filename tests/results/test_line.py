import csv
import io
import json
from dataclasses import replace

import pytest

from pneumoscope.core import ResultObject
from pneumoscope.results import Outputs, to_json, to_line
from pneumoscope.results.line import CSV_COLUMNS, csv_header, to_csv


def row(reading, outputs=Outputs()):  # noqa: B008 - frozen
    rows = list(csv.DictReader(io.StringIO(csv_header() + to_csv(reading, outputs), newline="")))
    assert len(rows) == 1
    return rows[0]


def test_an_analysed_line_has_the_documented_keys_and_values(analysed):
    line = to_line(
        analysed(),
        Outputs(files={ResultObject.OVERLAY: "a.overlay.png", ResultObject.SR: "a.sr.dcm"}, notes=("no SC",)),
    )
    assert line["path"] == "in/chest.dcm"
    assert line["sop_instance_uid"] == "1.2.3.4.3"
    assert line["status"] == "analysed"
    assert line["reasons"] == []
    assert (line["probability"], line["threshold"], line["operating_point"]) == (0.83, 0.41, "balanced")
    assert (line["positive"], line["uncertain"], line["view"]) == (True, False, "PA")
    assert line["population"] == "adults"
    assert line["model"] == {"name": "pneumoscope-small", "version": "1.2.0", "sha256": "3f9ac41b22d07e51" * 4}
    assert line["elapsed_ms"] == 41.2
    assert line["outputs"] == {"overlay": "a.overlay.png", "sr": "a.sr.dcm", "sc": None}
    assert [check["outcome"] for check in line["checks"]] == ["passed", "not available"]
    assert line["notes"] == ["no SC"]


def test_a_refused_line_has_every_key_null_where_not_analysed_and_every_reason(analysed, refused):
    line = to_line(refused(), Outputs())
    assert line.keys() == to_line(analysed(), Outputs()).keys()
    assert line["reasons"] == [
        {"check": "modality", "expected": "CR or DX", "found": "CT"},
        {"check": "body part", "expected": "CHEST", "found": "RIBCAGE"},
    ]
    for key in ("probability", "threshold", "operating_point", "population", "positive", "uncertain", "view"):
        assert line[key] is None


def test_a_line_says_how_much_heat_lies_outside_the_lungs_and_why_no_map_is_shown(analysed):
    hidden = replace(analysed(with_heat=False), heat_outside_lungs=0.61849, notes=("no heat map shown: test",))
    line = to_line(hidden, Outputs(notes=("no SC",)))
    assert line["heat_outside_lungs"] == 0.618
    assert line["notes"] == ["no heat map shown: test", "no SC"]
    assert row(hidden)["heat_outside_lungs"] == "0.618"
    assert row(hidden)["notes"] == "no heat map shown: test"
    assert to_line(analysed(), Outputs())["heat_outside_lungs"] is None


def test_rounding_never_moves_a_probability_across_its_threshold(analysed):
    line = to_line(analysed(probability=0.41 - 1e-9), Outputs())
    assert line["positive"] is False
    assert line["probability"] < line["threshold"]
    assert to_line(analysed(probability=1 / 3), Outputs())["probability"] == 0.333333


def test_json_is_one_line_whatever_the_path_holds(refused):
    path = 'in/a\nb "c" \u2028 \udcff 山.dcm'
    text = to_json(to_line(refused(path=path), Outputs()))
    assert text.count("\n") == 1
    assert "山" in text
    assert json.loads(text.encode("utf-8"))["path"] == path


def test_a_csv_row_reads_back_with_empty_cells_for_what_is_unknown(analysed, refused):
    cells = row(analysed(), Outputs(files={ResultObject.OVERLAY: "a.overlay.png"}))
    assert tuple(cells) == CSV_COLUMNS
    assert (cells["probability"], cells["positive"], cells["uncertain"]) == ("0.83", "true", "false")
    assert (cells["overlay"], cells["sr"], cells["reasons"]) == ("a.overlay.png", "", "")
    assert row(refused())["positive"] == ""
    assert row(refused())["reasons"].startswith("modality: expected CR or DX, found CT; body part: ")


@pytest.mark.req("REQ-RS-07")
def test_a_csv_cell_never_starts_a_spreadsheet_formula(refused):
    for start in "=+-@\t\r":
        cells = row(refused(path=f"{start}HYPERLINK(1)"))
        assert cells["path"] == f"'{start}HYPERLINK(1)"


def test_a_csv_path_with_separators_and_line_ends_stays_one_cell(refused):
    path = 'a,"b"\nc;d.dcm'
    assert row(refused(path=path))["path"] == path
