import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import Table2x2

from pneumoscope.core import ConfigError
from pneumoscope.eda import profile


def test_combinations_and_cooccurrence_are_counted_by_hand(six: pd.DataFrame) -> None:
    found = profile(six, finding="Pneumonia")
    assert (found.labelled, found.positives, found.positive_patients) == (6, 2, 2)
    assert found.per_image.value == pytest.approx(2 / 6)
    assert found.per_patient.value == pytest.approx(2 / 4)
    assert found.alone is not None
    assert found.alone.value == 0.5
    assert {one.others: one.images for one in found.combinations} == {(): 1, ("Infiltration",): 1}
    assert found.findings == ("Infiltration", "Pneumonia")
    assert found.cooccurrence == ((2, 1), (1, 2))
    assert found.findings_an_image == (3, 2, 1)
    assert found.findings_a_patient == (2, 1, 1)


def test_odds_ratios_agree_with_statsmodels(many: pd.DataFrame) -> None:
    found = profile(many, finding="Pneumonia")
    partner = next(one for one in found.partners if one.finding == "Infiltration")
    table = pd.crosstab(many["Infiltration"], many["Pneumonia"]).to_numpy()
    assert partner.odds is not None
    assert partner.odds.value == pytest.approx(Table2x2(table).oddsratio)
    assert partner.together == table[1, 1]


def test_a_finding_that_never_occurs_has_no_odds_ratio_but_is_listed(many: pd.DataFrame) -> None:
    hernia = next(one for one in profile(many, finding="Pneumonia").partners if one.finding == "Hernia")
    assert (hernia.together, hernia.odds) == (0, None)


def test_an_unknown_finding_is_refused(six: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="expected a finding among"):
        profile(six, finding="pneumonia")
