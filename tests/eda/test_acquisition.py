import pandas as pd
import pytest

from pneumoscope.eda import acquisition
from pneumoscope.eda.acquisition import common, size_names


def test_the_share_of_ap_among_each_findings_images(six: pd.DataFrame) -> None:
    shares = {one.finding: one for one in acquisition(six, finding="Pneumonia").by_finding}
    assert shares["All images"].ap.value == 0.5
    assert shares["Pneumonia"].ap.value == 1
    assert shares["No Finding"].ap.value == pytest.approx(1 / 3)


def test_formats_are_the_commonest_and_the_rest_together() -> None:
    names = pd.Series(["a"] * 4 + ["b"] * 3 + ["c", "d", None])
    grouped = common(names, most=2)
    assert grouped.value_counts().to_dict() == {"a": 4, "b": 3, "other": 2}
    assert grouped.isna().sum() == 1
    assert list(common(names, most=4).cat.categories) == ["a", "b", "c", "d"]


def test_a_size_is_named_by_width_and_height(many: pd.DataFrame) -> None:
    assert set(size_names(many)) == {"2500 × 2048", "2000 × 2048"}


def test_a_format_that_says_the_view_has_full_association_with_it(many: pd.DataFrame) -> None:
    found = acquisition(many, finding="Pneumonia")
    size = next(one for one in found.associations if one.variable == "Original size")
    assert size.with_view == pytest.approx(1)
    assert size.with_finding == pytest.approx(found.associations[0].with_finding)
    ap = next(one for one in found.sizes if one.name == "2500 × 2048")
    assert ap.views == {"AP": int((many["view"] == "AP").sum())}


def test_a_source_of_one_view_has_no_share_of_views(many: pd.DataFrame) -> None:
    found = acquisition(many[many["view"] == "AP"], finding="Pneumonia")
    assert found.by_finding == ()
    assert found.associations[0].with_finding is None
