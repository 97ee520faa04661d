from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.requirements import Requirement, Trace
from pneumoscope.dossier.risks import read_risks

TRACE = Trace((Requirement(id="REQ-1", text="t", code=("x",)),))
RISK = (
    "- {id: H-1, situation: s, cause: c, harm: h, severity: %s, before: %s, after: remote, controls: [%s], left: l}\n"
)


def test_unknown_controls_scales_and_repeated_ids_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "risks.yaml"
    path.write_text(RISK % ("serious", "often", "REQ-9") + RISK % ("bad", "remote", ""))
    with pytest.raises(ConfigError) as error:
        read_risks(path, TRACE)
    for part in (
        "control REQ-9 is no requirement",
        "found 'often'",
        "found 'bad'",
        "at least one control",
        "H-1 stands twice",
    ):
        assert part in str(error.value)


def test_a_risk_with_a_known_control_is_read(tmp_path: Path) -> None:
    path = tmp_path / "risks.yaml"
    path.write_text(RISK % ("serious", "probable", "REQ-1"))
    (risk,) = read_risks(path, TRACE)
    assert (risk.id, risk.severity, risk.controls) == ("H-1", "serious", ("REQ-1",))
