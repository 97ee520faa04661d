from pathlib import Path

import pytest

from pneumoscope.core import Claim, ConfigError
from pneumoscope.dossier import read_device

OWN = Path(__file__).resolve().parents[2] / "docs" / "submission" / "device.toml"


@pytest.fixture
def text() -> str:
    return OWN.read_text(encoding="utf-8")


def refused(tmp_path: Path, text: str) -> str:
    (tmp_path / "device.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_device(tmp_path / "device.toml")
    return str(error.value)


def test_the_projects_own_description_is_valid() -> None:
    device = read_device(OWN)
    assert device.claim is Claim.TRIAGE
    assert {cohort.role for cohort in device.cohort} == {"test", "validation"}


def test_every_fault_of_a_description_is_named_at_once(tmp_path: Path, text: str) -> None:
    text = text.replace('claim = "triage"                #', 'claim = "cure"\ncolour = "red" #')
    text = text.replace("youngest_years = 1", 'youngest_years = "one"').replace(
        "[manufacturer]", "[manufacturer]\nfax = 1"
    )
    said = refused(tmp_path, text.replace('users = "Radiologists', 'userss = "Radiologists'))
    for part in ("colour", "claim", "youngest_years", "manufacturer.fax", "texts.userss", "texts.users"):
        assert part in said


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("youngest_years = 1", "youngest_years = 130", "youngest_years < oldest_years"),
        ('role = "test"', 'role = "context"', "at least one cohort with role = 'test'"),
        ('role = "validation"', 'role = "context"', "at least one cohort with role = 'validation'"),
        ('name = "Pneumoscope"', 'name = " "', "expected a name"),
        ("name = ", "name ", "expected a device description in TOML"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, text: str, old: str, new: str, part: str) -> None:
    assert part in refused(tmp_path, text.replace(old, new))
