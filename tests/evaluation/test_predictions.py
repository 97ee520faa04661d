import pandas as pd
import pytest
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.core import ConfigError, InputError, exit_code
from pneumoscope.datasets import write_manifest
from pneumoscope.evaluation import Question, Request, Settings, cohort_of, columns_of, write_evidence
from pneumoscope.evaluation.predictions import NOT_IN_MANIFEST, join, read_predictions


def write(path, table):
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "columns", [("image_id", "prob_Pneumonia"), ("Image Index", "prob_Pneumonia"), ("image_id", "Pneumonia")]
)
def test_both_spellings_of_ids_and_scores_are_read(tmp_path, columns):
    found = read_predictions(write(tmp_path / "p.csv", pd.DataFrame([["a.png", 0.5]], columns=columns)))
    assert found.scores == ("Pneumonia",)
    assert found.table["image_id"].tolist() == ["a.png"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": ["a"], "prob_Pneumonia": [0.1]}, "expected one id column, image_id or Image Index, found name"),
        ({"image_id": ["a"], "view": ["PA"]}, "expected score columns, prob_LABEL or LABEL, found image_id, view"),
        ({"image_id": ["a", "b"], "prob_Pneumonia": [0.1, 1.2]}, r"expected scores in \[0, 1\], found .*1.2.* for b"),
        ({"image_id": ["a", "b"], "prob_Pneumonia": [None, None]}, "found nan for a and 1 more such"),
        ({"image_id": ["a"], "prob_Pneumonia": ["high"]}, "found high for a"),
        (
            {"image_id": ["a", "a", "b"], "prob_Pneumonia": [0.1, 0.2, 0.3]},
            "expected each image once, found a more than",
        ),
    ],
)
def test_predictions_that_are_none_say_what_was_expected(tmp_path, table, said):
    with pytest.raises(InputError, match=said):
        read_predictions(write(tmp_path / "p.csv", pd.DataFrame(table)))


def test_a_missing_or_broken_file_is_wrong_use(tmp_path):
    with pytest.raises(ConfigError, match="found no file"):
        read_predictions(tmp_path / "none.csv")
    (tmp_path / "p.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="expected a table"):
        read_predictions(tmp_path / "p.parquet")


def test_rows_that_do_not_join_are_counted_each_way(tmp_path, rows):
    table = pd.DataFrame({"image_id": [*rows["image_id"][:10], "unknown.png"], "prob_Pneumonia": 0.5})
    joined = join(read_predictions(write(tmp_path / "p.csv", table)), rows.drop(columns="prob_Pneumonia"))
    assert len(joined.rows) == 10
    assert joined.left_out == {NOT_IN_MANIFEST: 1, "manifest images without a prediction": len(rows) - 10}


def test_nothing_that_joins_is_an_error_that_shows_both_kinds_of_id(tmp_path, rows):
    table = pd.DataFrame({"image_id": ["unknown.jpg"], "prob_Pneumonia": [0.5]})
    with pytest.raises(InputError, match=r"such as 0000_0.png.*found unknown.jpg: no row joins"):
        join(read_predictions(write(tmp_path / "p.csv", table)), rows.drop(columns="prob_Pneumonia"))


def test_an_id_in_two_sources_needs_a_source(tmp_path, rows):
    both = pd.concat([rows, rows.assign(source="other")]).drop(columns="prob_Pneumonia")
    table = pd.DataFrame({"image_id": rows["image_id"], "prob_Pneumonia": 0.5})
    with pytest.raises(InputError, match="expected a column source"):
        join(read_predictions(write(tmp_path / "p.csv", table)), both)
    joined = join(read_predictions(write(tmp_path / "q.csv", table.assign(source="other"))), both)
    assert set(joined.rows["source"]) == {"other"}


def test_a_split_that_nobody_is_in_is_an_error(tmp_path, rows):
    table = pd.DataFrame({"image_id": rows["image_id"], "prob_Pneumonia": 0.5})
    read = read_predictions(write(tmp_path / "p.csv", table))
    manifest = rows.drop(columns="prob_Pneumonia")
    assert set(join(read, manifest, where={"split": "test"}).rows["split"]) == {"test"}
    with pytest.raises(InputError, match="expected predictions with split train, found 180 val, 180 test"):
        join(read, manifest, where={"split": "train"})


def test_thresholds_of_validation_are_held_on_test(tmp_path, make_rows):
    rows = make_rows()
    scores = [name for name in rows if name.startswith("prob_")]
    predictions = write(tmp_path / "p.csv", rows[["image_id", *scores]])
    write_manifest(rows.drop(columns=scores), tmp_path / "m.parquet")
    request = {"predictions": predictions, "manifest": tmp_path / "m.parquet"}
    settings = Settings(resamples=20)
    validation = cohort_of(Request(**request, where={"split": "val"}))
    first = write_evidence(validation, tmp_path / "val", settings=settings)
    cohort = cohort_of(
        Request(
            **request,
            where={"split": "test"},
            points_from=tmp_path / "val",
            asked=[Question("Pneumonia", "rsna_opacity")],
        )
    )
    held = cohort.points["Pneumonia"]["youden"]
    assert held.threshold == pytest.approx(first.at("labels.Pneumonia.operating_points.youden.threshold"))
    assert held.chosen_on == "val"
    assert [question.name for question in cohort.questions][-1] == "Pneumonia_as_rsna_opacity"


@pytest.fixture
def manifest(tmp_path, rows):
    scores = [name for name in rows if name.startswith("prob_")]
    write_manifest(rows.drop(columns=scores).assign(path=None), tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def test_a_truth_in_the_scores_place_is_refused(tmp_path, rows, manifest):
    table = pd.DataFrame({"image_id": rows["image_id"], "Pneumonia": rows["Pneumonia"], "pred": rows["prob_Pneumonia"]})
    with pytest.raises(InputError, match="found only 0 and 1, as labels are; if pred is the score of pneumonia"):
        read_predictions(write(tmp_path / "p.csv", table))
    same = table.drop(columns="pred").dropna()
    with pytest.raises(InputError, match="found the reference itself"):
        cohort_of(Request(predictions=write(tmp_path / "p.csv", same), manifest=manifest))


def test_a_score_that_says_not_of_what_is_refused_with_the_name_to_give_it(tmp_path, rows):
    table = pd.DataFrame({"image_id": rows["image_id"], "prob": rows["prob_Pneumonia"], "label": rows["Pneumonia"]})
    with pytest.raises(InputError, match="if prob is the score of pneumonia, name it prob_Pneumonia"):
        read_predictions(write(tmp_path / "p.csv", table))


def test_the_columns_used_and_not_used_are_named(tmp_path, rows):
    table = pd.DataFrame({"image_id": rows["image_id"], "prob_Pneumonia": 0.5, "note": "x", "Pneumonia": 1})
    line = columns_of(write(tmp_path / "p.csv", table))
    assert line == "columns used: prob_Pneumonia; not used: note, Pneumonia"


def test_scores_of_labels_that_the_manifest_lacks_are_refused(tmp_path, rows, manifest):
    table = pd.DataFrame({"image_id": rows["image_id"], "prob_Unicorn": 0.5})
    with pytest.raises(InputError, match="expected a manifest that labels one of the scores"):
        cohort_of(Request(predictions=write(tmp_path / "p.csv", table), manifest=manifest))


@pytest.mark.parametrize(
    "columns", [{"prob": 0.5, "label": 1}, {"Pneumonia": 1, "pred": 0.3}, {"prob_Unicorn": 0.5}, {"prob_Pneumonia": 7}]
)
def test_a_table_that_cannot_be_measured_is_wrong_use_and_leaves_nothing(tmp_path, rows, manifest, columns):
    table = write(tmp_path / "p.csv", pd.DataFrame({"image_id": rows["image_id"]} | columns))
    options = ["evaluate", "--predictions", str(table), "--manifest", str(manifest), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, options)
    code = done.exit_code if isinstance(done.exception, SystemExit) else exit_code(done.exception)
    assert code == 2
    assert not (tmp_path / "out").exists()
