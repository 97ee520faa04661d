import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from tests.training.adoption.conftest import SIDE, Small, film, to_file
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.core import ConfigError
from pneumoscope.datasets import read_manifest, write_manifest
from pneumoscope.image import prepare
from pneumoscope.intake import read_radiograph
from pneumoscope.model import load
from pneumoscope.training.adoption import Network, adopt
from pneumoscope.training.adoption.checkpoint import read_weights
from pneumoscope.training.adoption.network import build
from pneumoscope.training.adoption.recipes import RECIPES, choose_output, recipe_named


def test_a_foreign_onnx_network_reads_after_adoption(site: Path, tmp_path: Path) -> None:
    network = to_file(Small(), tmp_path / "theirs.onnx")
    command = ["adopt", "onnx", str(network), "--calibrate", str(site), "-o", str(tmp_path / "ours.onnx")]
    options = ["--input-range", "0,1", "--labels", "Normal,Pneumonia", "--name", "theirs", "--licence", "MIT"]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 0, done.output
    assert "answers by Pneumonia" in done.output
    assert "3 without a label" in done.output
    assert "missing.png" in done.output
    card = load(tmp_path / "ours.onnx").card
    assert (card.name, card.licence) == ("theirs", "MIT")
    assert card.training["calibrated_on"]["sources"] == {"our-hospital": 60}
    assert not any(rule.heat.shown for rule in card.rules.values())
    read = ["read", str(site.parent / "000.png"), "--model", str(tmp_path / "ours.onnx"), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, read)
    assert done.exit_code == 0, done.output
    line = json.loads((tmp_path / "out" / "results.jsonl").read_text())
    assert line["status"] == "analysed"
    assert line["model"]["name"] == "theirs"


def test_the_card_names_training_sources_that_calibrate_too(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifest(read_manifest(site).manifest.assign(source="nih"), tmp_path / "nih.parquet")
    recipe = recipe_named("timm:test_resnet", labels=("Normal", "Pneumonia"))
    monkeypatch.setitem(RECIPES, "tiny", replace(recipe, name="tiny", trained_on=("nih", "padchest")))
    torch.manual_seed(0)
    torch.save({"state_dict": timm.create_model("test_resnet", num_classes=2).state_dict()}, tmp_path / "m.pth.tar")
    adoption = adopt(
        Network(recipe="tiny", weights=tmp_path / "m.pth.tar"),
        calibrate=tmp_path / "nih.parquet",
        output=tmp_path / "a.onnx",
    )
    assert adoption.overlap == ("nih",)
    assert adoption.answer == "Pneumonia"
    assert adoption.has_map
    content = (tmp_path / "a.onnx").read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in content
    assert b"site-packages" not in content


def test_checkpoints_of_chexnet_reproductions_fit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model("densenet121", num_classes=14).eval()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", f"module.densenet121.{name}").replace(
            "classifier.", "classifier.0."
        ): value
        for name, value in model.state_dict().items()
    }
    torch.save({"state_dict": old, "epoch": 3}, tmp_path / "m.pth.tar")
    ours, place, outputs = build(recipe_named("chexnet"), read_weights(tmp_path / "m.pth.tar"), output=None)
    assert (place, outputs, ours.has_map) == (6, 14, True)
    image = torch.rand(1, 1, 224, 224) * 2 - 1
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        colour = ((image + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
        torch.testing.assert_close(ours(image)[0][:, 0], model(colour)[:, 6], atol=1e-4, rtol=1e-4)


def test_torchxrayvision_answers_the_same_from_file_to_logit(tmp_path: Path) -> None:
    xrv = pytest.importorskip("torchxrayvision")
    torch.manual_seed(0)
    theirs = xrv.models.DenseNet(num_classes=18, in_channels=1).eval()
    torch.nn.init.normal_(theirs.classifier.weight, std=1e-4)
    torch.save(theirs, tmp_path / "whole-module.pt")
    Image.fromarray(
        np.kron(film(np.random.default_rng(0), opacity=True)[:, : SIDE - 20], np.ones((5, 5), np.uint8))
    ).save(tmp_path / "film.png")
    crop, resizer = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)
    with torch.no_grad():
        prepared = resizer(crop(xrv.utils.load_image(str(tmp_path / "film.png"))))
        expected = torch.sigmoid(theirs(torch.from_numpy(prepared)[None]))[
            0, xrv.datasets.default_pathologies.index("Pneumonia")
        ]
        recipe = recipe_named("xrv-densenet121")
        ours, _, _ = build(recipe, read_weights(tmp_path / "whole-module.pt"), output=None)
        pixels = read_radiograph(tmp_path / "film.png").pixels
        assert pixels is not None
        found = torch.sigmoid(ours(torch.from_numpy(prepare(pixels, recipe.preprocessing).array)[None])[0])[0, 0]
    assert float(found) == pytest.approx(float(expected), abs=1e-5)
    assert 0.01 < float(expected) < 0.99


@pytest.mark.parametrize(("name", "has_map"), [("test_resnet", True), ("test_vit", False)])
def test_any_classifier_of_timm_is_built_with_a_map_where_it_has_one(name: str, has_map: bool) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=2).eval()
    recipe = recipe_named(f"timm:{name}", labels=("Normal", "Pneumonia"))
    ours, place, outputs = build(recipe, model.state_dict(), output=None)
    assert (place, outputs, ours.has_map) == (1, 2, has_map)
    image = torch.rand(1, 1, recipe.preprocessing.size_px, recipe.preprocessing.size_px) * 2 - 1
    with torch.no_grad():
        own = model(image * ours.gain + ours.offset)
        torch.testing.assert_close(ours(image)[0][:, 0], own[:, 1], atol=1e-4, rtol=1e-4)


def test_what_is_missing_is_said(site: Path, tmp_path: Path) -> None:
    path = to_file(Small(), tmp_path / "n.onnx")
    output = tmp_path / "a.onnx"
    with pytest.raises(ConfigError, match="--input-range"):
        adopt(Network(recipe="onnx", weights=path), calibrate=site, output=output)
    with pytest.raises(ConfigError, match="expected an output among Pneumonia"):
        adopt(Network(recipe="onnx", weights=path, input_range="0,1", labels=("a", "b")), calibrate=site, output=output)
    with pytest.raises(ConfigError, match="expected a recipe among"):
        recipe_named("resnet")
    rows = read_manifest(site).manifest
    write_manifest(rows.assign(Pneumonia=1.0), tmp_path / "ill.parquet")
    with pytest.raises(ConfigError, match="found 64 with and 0 without"):
        adopt(
            Network(recipe="onnx", weights=path, input_range="0,1"), calibrate=tmp_path / "ill.parquet", output=output
        )
    torch.save({"classifier.weight": torch.zeros(18, 1024)}, tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="do not fit densenet121"):
        adopt(Network(recipe="xrv-densenet121", weights=tmp_path / "w.pt"), calibrate=site, output=output)
    assert not output.exists()


def test_an_output_is_chosen_by_number_name_or_likeness() -> None:
    labels = ("Mass", "Lung_Opacity", "Consolidation")
    assert choose_output(labels, None, outputs=3) == 1
    assert choose_output(labels, "consolidation", outputs=3) == 2
    assert choose_output(labels, "0", outputs=3) == 0
    assert choose_output((), None, outputs=1) == 0
    with pytest.raises(ConfigError, match="expected 0 to 2"):
        choose_output(labels, "3", outputs=3)
    with pytest.raises(ConfigError, match="expected 4 names"):
        choose_output(labels, None, outputs=4)


def test_only_validation_rows_calibrate_where_there_are_some(site: Path, tmp_path: Path) -> None:
    rows = read_manifest(site).manifest
    split = pd.Series(np.where(rows.index % 6 == 5, "test", np.where(rows.index % 6 == 4, "train", "val")))
    write_manifest(rows.assign(split=split), tmp_path / "split.parquet")
    network = Network(recipe="onnx", weights=to_file(Small(), tmp_path / "n.onnx"), input_range="0,1", output="1")
    adoption = adopt(network, calibrate=tmp_path / "split.parquet", output=tmp_path / "a.onnx")
    assert adoption.card.training["calibrated_on"]["sources"] == {"our-hospital": 40}
    assert any("not of split val" in note for note in adoption.not_used)
