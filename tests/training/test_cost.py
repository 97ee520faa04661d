"""What a run took."""

from pathlib import Path

import pytest
import torch

from pneumoscope.training.cost import cost_of, processor, total_cost


def test_energy_by_hand(tmp_path: Path) -> None:
    curves = tmp_path / "curves.csv"
    curves.write_text("epoch,seconds\n0,1800\n1,1800.4\n")
    found = cost_of(curves)
    assert found["seconds"] == 3600
    assert found["processor"] == processor()
    if not torch.cuda.is_available():
        assert found["kwh"] == pytest.approx(torch.get_num_threads() * 12 * 1.67 / 1000, rel=1e-3)
        assert found["grams_co2"] == pytest.approx(found["kwh"] * 475, rel=1e-3)


def test_a_run_that_kept_no_time_has_no_cost(tmp_path: Path) -> None:
    assert cost_of(tmp_path / "absent.csv") == {}
    (tmp_path / "old.csv").write_text("epoch,train_loss\n0,0.5\n")
    assert cost_of(tmp_path / "old.csv") == {}


def test_members_are_added_up_unless_one_was_not_recorded() -> None:
    one = {"cost": {"seconds": 10, "processor": "P", "cores": 2, "kwh": 0.1, "grams_co2": 40.0, "assumption": "a"}}
    both = total_cost([one, one])
    assert (both["seconds"], both["processor"], both["assumption"]) == (20, "P (2 cores)", "a")
    assert both["kwh"] == pytest.approx(0.2)
    assert total_cost([one, {}]) == {}
    assert total_cost([]) == {}
    mixed = total_cost([one, {"cost": {"seconds": 5, "processor": "a GPU"}}])
    assert mixed == {"seconds": 15, "processor": "P (2 cores), a GPU"}
