import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from PIL import Image

from pneumoscope.core import Claim, ConfigError, ResultObject
from pneumoscope.results import DEFAULT_OBJECTS, ResultWriter

NOTHING = frozenset[ResultObject]()


def lines(directory):
    return [json.loads(line) for line in (directory / "results.jsonl").read_text("utf-8").splitlines()]


def test_a_run_writes_lines_rows_objects_and_gallery_in_input_order(
    analysed, refused, failed, radiograph, header, card, tmp_path
):
    out = tmp_path / "deep" / "out"
    with ResultWriter(out, card=card) as writer:
        line = writer.add(analysed(radiograph=radiograph(ds=header())))
        writer.add(refused(radiograph=radiograph(ds=header())))
        writer.add(failed())
    assert [entry["status"] for entry in lines(out)] == ["analysed", "refused", "failed"]
    assert lines(out)[0] == line
    with (out / "results.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["analysed", "refused", "failed"]
    assert {path.name for path in out.iterdir()} == {
        "results.jsonl",
        "results.csv",
        "index.html",
        *line["outputs"].values(),
    }
    with Image.open(out / line["outputs"]["overlay"]) as picture:
        assert picture.mode == "RGB"
    report = pydicom.dcmread(out / line["outputs"]["sr"])
    capture = pydicom.dcmread(out / line["outputs"]["sc"])
    assert report.StudyInstanceUID == capture.StudyInstanceUID == "1.2.3.4.1"
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.3"
    assert lines(out)[1]["outputs"] == {"overlay": None, "sr": None, "sc": None}
    assert (out / "index.html").read_text("utf-8").count("<article") == 3


def test_equal_names_from_different_places_get_different_files(analysed, radiograph, header, card, tmp_path):
    with ResultWriter(tmp_path, card=card, objects=frozenset({ResultObject.OVERLAY})) as writer:
        for path in ("a/chest.dcm", "b/chest.dcm", "c.zip!/chest.dcm"):
            writer.add(analysed(path=path, radiograph=radiograph(ds=header(), path=path)))
    assert len({entry["outputs"]["overlay"] for entry in lines(tmp_path)}) == 3
    assert len(list(tmp_path.glob("*.overlay.png"))) == 3


def test_a_run_takes_an_earlier_runs_place_and_touches_nothing_else(analysed, radiograph, header, card, tmp_path):
    def run(*names):
        with ResultWriter(tmp_path, card=card) as writer:
            for name in names:
                writer.add(analysed(path=name, radiograph=radiograph(ds=header(), path=name)))
        return {path.name for path in tmp_path.iterdir()}

    mine = tmp_path / "mine.sr.dcm"
    mine.write_text("not yours")
    first = run("in/a.dcm", "in/b.dcm")
    with (tmp_path / "results.jsonl").open("a") as lines:
        lines.write('{"outputs": {"sr": "../../elsewhere.sr.dcm", "sc": "mine.txt", "overlay": 7}}\nnot a line\n[]\n')
    (tmp_path / "mine.txt").write_text("not yours")
    second = run("in/b.dcm")
    assert second - {"mine.txt"} < first
    assert {name.split(".")[-2:][0] for name in first - second} == {"overlay", "sr", "sc"}
    assert len(first - second) == 3
    assert {"mine.sr.dcm", "mine.txt"} <= second


def test_reading_again_gives_the_same_files_and_no_more(analysed, radiograph, header, card, tmp_path):
    def run():
        with ResultWriter(tmp_path, card=card) as writer:
            writer.add(analysed(radiograph=radiograph(ds=header())))
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert run() == run()


def test_an_image_without_header_or_reference_says_why_it_has_no_dicom_objects(
    analysed, radiograph, header, card, tmp_path
):
    bare = header()
    del bare.StudyInstanceUID
    with ResultWriter(tmp_path, card=card) as writer:
        png = writer.add(analysed(path="a.png", radiograph=radiograph(ds=None)))
        dicom = writer.add(analysed(path="b.dcm", radiograph=radiograph(ds=bare)))
        nothing = writer.add(analysed(path="c.dcm"))
    for line in (png, dicom):
        assert line["outputs"]["overlay"]
        assert (line["outputs"]["sr"], line["outputs"]["sc"]) == (None, None)
    assert png["notes"] == ["no DICOM objects: a PNG image has no study that they could belong to"]
    assert dicom["notes"] == ["no DICOM objects: in the image StudyInstanceUID is missing"]
    assert len(nothing["notes"]) == 2


def test_values_left_out_of_the_dicom_objects_are_named(analysed, radiograph, header, card, tmp_path):
    source = header()
    source.PatientSex = "FEMALE"
    with ResultWriter(tmp_path, card=card, objects=frozenset({ResultObject.SR})) as writer:
        line = writer.add(analysed(radiograph=radiograph(ds=source)))
    assert line["notes"] == ["left out of the DICOM objects, because not valid in the image: PatientSex"]
    assert pydicom.dcmread(tmp_path / line["outputs"]["sr"]).PatientSex == ""


@pytest.mark.parametrize(
    ("wanted", "ending"),
    [
        (ResultObject.OVERLAY, ".overlay.png"),
        (ResultObject.SR, ".sr.dcm"),
        (ResultObject.SC, ".sc.dcm"),
        (ResultObject.GSPS, ".gsps.dcm"),
        (ResultObject.GALLERY, "index.html"),
    ],
)
def test_each_object_can_be_had_alone(wanted, ending, analysed, radiograph, image_header, card, tmp_path):
    with ResultWriter(tmp_path, card=card, objects=frozenset({wanted})) as writer:
        writer.add(analysed(radiograph=radiograph(ds=image_header())))
    made = [path.name for path in tmp_path.iterdir() if not path.name.startswith("results.")]
    assert len(made) == 1
    assert made[0].endswith(ending)


def test_an_image_that_was_not_analysed_gets_report_and_capture_only_where_they_are_wanted(
    refused, radiograph, header, card, tmp_path
):
    reading = refused(radiograph=radiograph(ds=header()))
    with ResultWriter(tmp_path / "default", card=card) as writer:
        assert writer.add(reading)["outputs"] == {"overlay": None, "sr": None, "sc": None}
    wanted = frozenset({ResultObject.NOT_ANALYSED})
    with ResultWriter(tmp_path / "asked", card=card, objects=wanted) as writer:
        outputs = writer.add(reading)["outputs"]
    notice = pydicom.dcmread(tmp_path / "asked" / outputs["not_analysed"])
    assert notice.SOPClassUID == pydicom.uid.BasicTextSRStorage
    assert pydicom.dcmread(tmp_path / "asked" / outputs["sc"]).StudyInstanceUID == notice.StudyInstanceUID
    with ResultWriter(tmp_path / "asked", card=card, objects=frozenset()):
        pass
    assert not list((tmp_path / "asked").glob("*.dcm")), "running again replaces these files too"


@pytest.mark.req("REQ-CL-01")
def test_under_a_triage_claim_no_file_shows_a_location(analysed, radiograph, image_header, card, tmp_path):
    wanted = frozenset(ResultObject)
    with ResultWriter(tmp_path, card=card, objects=wanted, claim=Claim.TRIAGE) as writer:
        line = writer.add(analysed(radiograph=radiograph(ds=image_header())))
    assert "gsps" not in line["outputs"]
    assert "heat map" not in pydicom.dcmread(tmp_path / line["outputs"]["sc"]).DerivationDescription
    assert '<img class="heat"' not in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.req("REQ-RS-06")
def test_what_was_added_is_on_disk_when_the_run_is_interrupted(analysed, radiograph, header, card, tmp_path):
    def interrupted():
        with ResultWriter(tmp_path, card=card) as writer:
            writer.add(analysed(radiograph=radiograph(ds=header())))
            assert len(lines(tmp_path)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(lines(tmp_path)) == 1
    assert "Stopped before the end" in (tmp_path / "index.html").read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_one_clear_config_error(card, tmp_path):
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(ConfigError, match="expected a writable place") as caught,
            ResultWriter(directory, card=card),
        ):
            pass
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_config_error(card, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="Permission denied"), ResultWriter(tmp_path, card=card):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_when_closing_does_not_hide_the_error_before(analysed, card, tmp_path):
    (tmp_path / "results.jsonl").symlink_to("/dev/full")
    with (
        pytest.raises(ConfigError, match=r"results\.jsonl: the disk is full"),
        ResultWriter(tmp_path, card=card, objects=NOTHING) as writer,
    ):
        writer.add(analysed())


@pytest.mark.req("REQ-RS-06")
def test_a_line_that_could_not_be_written_leaves_those_before_valid(
    analysed, radiograph, header, card, tmp_path, monkeypatch
):
    def fills_up():
        with ResultWriter(tmp_path, card=card) as writer:
            writer.add(analysed(radiograph=radiograph(ds=header())))
            monkeypatch.setattr("pathlib.Path.replace", full)
            writer.add(analysed(path="second.dcm", radiograph=radiograph(ds=header())))

    with pytest.raises(ConfigError, match="No space left on device"):
        fills_up()
    assert [entry["path"] for entry in lines(tmp_path)] == ["in/chest.dcm"]
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*"))


def full(*_):
    raise OSError(28, "No space left on device")


def test_without_objects_nothing_heavy_is_imported():
    program = (
        "import sys\n"
        "import pneumoscope.results, pneumoscope.results.writer\n"
        "heavy = {'highdicom', 'matplotlib', 'torch', 'pydicom.sr.codedict', 'pneumoscope.results.gallery'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_overlay_report_capture_and_gallery_are_what_is_written_by_default():
    assert {ResultObject.OVERLAY, ResultObject.SR, ResultObject.SC, ResultObject.GALLERY} == DEFAULT_OBJECTS
