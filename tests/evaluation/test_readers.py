"""A reader study from its CSV: the published numbers of Van Dyke's study, the paper's F1 protocol, and bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.evaluation import Number, StudySettings, read_evidence, read_ratings, read_release, write_reader_study
from pneumoscope.evaluation.readers import analyse

VAN_DYKE = Path(__file__).resolve().parents[1] / "stats" / "van_dyke.txt"
FEW = StudySettings(resamples=200)


@pytest.fixture(scope="module")
def van_dyke() -> pd.DataFrame:
    """Van Dyke et al.'s ratings as the command takes them, and a model that tells the classes apart at 0.5."""
    rating = np.array([[int(digit) for digit in line] for line in VAN_DYKE.read_text().split()]).reshape(2, 5, 114)
    rows = [
        (test, f"Dr. {reader}", f"case {case:03}", int(case >= 69), rating[place, reader, case])
        for place, test in enumerate(("spin echo", "cine"))
        for reader in range(5)
        for case in range(114)
    ]
    rows += [("cine", "AI", f"case {case:03}", int(case >= 69), 0.8 if case >= 69 else 0.1) for case in range(114)]
    return pd.DataFrame(rows, columns=["test", "reader", "case", "truth", "rating"])


@pytest.fixture
def written(van_dyke, tmp_path):
    van_dyke.to_csv(tmp_path / "ratings.csv", index=False)
    return tmp_path / "ratings.csv"


@pytest.fixture(scope="module")
def study(van_dyke, tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "ratings.csv"
    # The order of the rows says nothing.
    van_dyke.sample(frac=1, random_state=0).sort_values("test", ascending=False, kind="stable").to_csv(
        path, index=False
    )
    settings = StudySettings(threshold=4, model_threshold=0.5, covariance="jackknife", resamples=200)
    ratings = read_ratings(path, model="AI")
    return write_reader_study(ratings, path.parent / "evidence" / "reader-study", settings=settings, source=path)


def test_the_published_analysis_of_van_dyke_comes_out(study):
    """OR-DBM MRMC 2.51's output and MRMCaov's: means .8970 and .9408, F(1, 15.26) = 4.456, p = .0517."""
    both = study.at("readers.mrmc.auroc.readers_and_cases")
    assert both["means"]["spin echo"].value == pytest.approx(0.89704, abs=5e-6)
    assert both["means"]["cine"].value == pytest.approx(0.94084, abs=5e-6)
    assert (both["statistic"], both["df_error"]) == pytest.approx((4.4563, 15.2597), abs=5e-4)
    assert both["p_value"] == pytest.approx(0.05167, abs=5e-5)
    difference = both["differences"]["spin echo less cine"]
    assert (difference.low, difference.high) == pytest.approx((-0.08796, 0.00036), abs=5e-5)
    assert study.at("readers.mrmc.auroc.readers.p_value") == pytest.approx(0.0420, abs=5e-5)


def test_both_methods_give_one_test(study):
    both, dbm = study.at("readers.mrmc.auroc.readers_and_cases"), study.at("readers.dbm")
    for key in ("statistic", "df_error", "p_value"):
        assert dbm[key] == pytest.approx(both[key], rel=1e-6)


def test_the_folder_is_evidence_that_a_release_takes(study):
    again = read_release(study.path.parent)["reader-study"]
    assert again.number("readers.tests.cine.readers.Dr 3.auroc").n == 114
    assert again.cohort["images"] == 114
    assert {path.name for path in (study.path / "figures").glob("*.svg")} == {
        "readers.svg", "roc.svg", "differences.svg", "f1.svg"
    }  # fmt: skip
    assert len(pd.read_parquet(study.path / "predictions.parquet")) == 2 * 5 * 114 + 114


def test_every_number_is_the_same_in_another_run(study, tmp_path):
    config = study.provenance["config"]["reader_study"]
    table = pd.read_parquet(study.path / "predictions.parquet")
    order = table["test"].map({"spin echo": 0, "cine": 1}).argsort(kind="stable")
    table.iloc[order].to_csv(tmp_path / "again.csv", index=False)
    found = analyse(read_ratings(tmp_path / "again.csv", model="AI"), settings=StudySettings(**config))
    again, said = found["f1"]["cine"]["difference"], study.number("readers.f1.cine.difference")
    assert (again.value, again.low, again.high) == pytest.approx((said.value, said.low, said.high), rel=1e-8)


def test_the_f1_protocol_scores_each_rater_against_the_others(study, van_dyke):
    cine = van_dyke[van_dyke["test"] == "cine"].pivot(index="case", columns="reader", values="rating")
    flags = pd.DataFrame({name: cine[name] >= (0.5 if name == "AI" else 4) for name in cine})

    def f1(one: str, two: str) -> float:
        return 2 * (flags[one] & flags[two]).sum() / (flags[one].sum() + flags[two].sum())

    doctors = [name for name in flags if name != "AI"]
    expected = np.mean([f1("AI", name) for name in doctors])
    assert study.number("readers.f1.cine.model").value == pytest.approx(expected)
    expected = np.mean([f1("Dr. 0", name) for name in flags if name != "Dr. 0"])
    assert study.number("readers.f1.cine.readers.Dr 0").value == pytest.approx(expected)


def test_kappas_of_all_readers_and_of_each_pair(study):
    agreement = study.at("readers.tests.cine.agreement")
    assert len(agreement["cohen"]) == len(agreement["weighted"]) == 10
    assert isinstance(agreement["fleiss"], Number)
    assert agreement["weighted"]["Dr 0 and Dr 1"].method == "Cohen, quadratic weights, clustered"


def test_yes_and_no_need_no_threshold_and_one_test_is_not_compared(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        (reader, case, case % 2, int(rng.random() < 0.2 + 0.6 * (case % 2))) for reader in "ABC" for case in range(60)
    ]
    pd.DataFrame(rows, columns=["reader", "case", "truth", "rating"]).to_csv(tmp_path / "r.csv", index=False)
    found = analyse(read_ratings(tmp_path / "r.csv"), settings=FEW)
    assert set(found) == {"design", "tests"}
    assert found["tests"]["all readings"]["readers"]["A"]["sensitivity"].n == 30
    assert set(found["tests"]["all readings"]["agreement"]) == {"fleiss", "cohen"}


def test_graded_ratings_without_a_threshold_have_no_flags_and_the_evidence_says_so(written, tmp_path):
    found = analyse(read_ratings(written, model="AI"), settings=FEW)
    assert set(found["mrmc"]) == {"auroc"}
    assert "expected a threshold" in found["f1"].why
    evidence = write_reader_study(read_ratings(written, model="AI"), tmp_path / "out", settings=FEW, source=written)
    assert read_evidence(evidence.path).at("readers.design.threshold") == "none"


GOOD = """reader,case,truth,rating,test
A,1,1,3,x
A,2,0,1,x
B,1,1,2,x
B,2,0,1,x
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("reader,", "doctor,"), "columns reader, case, truth, rating, found no reader"),
        (lambda text: text.replace(",test", ",modality"), "found modality too"),
        (lambda text: text.splitlines()[0], "found no rows"),
        (lambda text: text + "A,1,1,2,x\n", "one rating by each reader.*found more for x, A, 1"),
        (lambda text: text.replace("B,2,0,1,x\n", ""), "found no rating for x, B, 2; leave those cases out"),
        (lambda text: text.replace("A,1,1,3", "A,1,1,high"), "a number in every row, found 'high' in line 2"),
        (lambda text: text.replace("A,1,1,3", "A,1,1,"), "a number in every row, found nothing in line 2"),
        (lambda text: text.replace("A,1,1", "A,1,2"), "truth: expected 0 or 1 in every row, found 2 in line 2"),
        (lambda text: text.replace("B,1,1", "B,1,0"), "truth: expected one a case, found several for case 1"),
        (lambda text: text.replace(",0,1,x", ",1,1,x"), "with and without the finding, found 2 with truth 1 only"),
        (lambda text: text.replace("B,1,1,2,x\nB,2,0,1,x\n", ""), r"at least 2 readers, found 1 \(A\)"),
        (lambda text: text.replace("B,1", ",1"), "reader: expected a name in every row, found none in line 4"),
        (lambda text: text.replace("A,", "J. Doe,").replace("B,", "J Doe,"), "names that differ by more than dots"),
    ],
)  # fmt: skip
def test_bad_ratings_are_refused_by_name(tmp_path, change, message):
    path = tmp_path / "ratings.csv"
    path.write_text(change(GOOD))
    with pytest.raises(InputError, match=message):
        read_ratings(path)


def test_a_model_that_nobody_rated_as_is_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text(GOOD)
    with pytest.raises(InputError, match="expected the model AI among the readers, found A; B"):
        read_ratings(path, model="AI")
    with pytest.raises(InputError, match="at least 2 readers, found 1"):
        read_ratings(path, model="A")


def test_a_model_without_a_rating_of_a_case_or_with_two_is_refused(van_dyke, tmp_path):
    gap = van_dyke[~((van_dyke["reader"] == "AI") & (van_dyke["case"] == "case 003"))]
    gap.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(InputError, match="rating of every case by AI, found none for case 003"):
        read_ratings(tmp_path / "r.csv", model="AI")
    other = van_dyke[van_dyke["reader"] == "AI"].assign(test="spin echo", rating=0.5)
    pd.concat([van_dyke, other]).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(InputError, match="one rating of each case by AI, found several"):
        read_ratings(tmp_path / "r.csv", model="AI")


def test_a_file_that_is_absent_or_no_table_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="found no file"):
        read_ratings(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ConfigError, match="expected a table"):
        read_ratings(tmp_path / "empty.csv")
