"""The model card in CHAI's format: Applied Model Card, XML of its schema v0.2, checked when it is written.

Source:
    Coalition for Health AI, mc-schema, v0.2/schema.xsd (https://mc.chai.org): names, order and number of elements.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # noqa: ICN001

from pneumoscope.core import ConfigError
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inline import plain
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.evaluation import Number

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
_OPEN = "To be provided by the manufacturer."

Tree = dict[str, Any]

# The elements below each element that has any, in order; ? at most once, + once or more, * any number.
_CONTENT = {
    "AppliedModelCard": "BasicInfo ReleaseInfo ModelSummary UsesAndDirections Warnings TrustIngredients KeyMetrics "
    "Resources Bibliography Signature?",
    "BasicInfo": "ModelName ModelDeveloper DeveloperContact",
    "ReleaseInfo": "ReleaseStage ReleaseDate ReleaseVersion GlobalAvailability EHRCompatibility? RegulatoryApproval?",
    "EHRCompatibility": "EHR*",
    "ModelSummary": "Summary Keywords",
    "Keywords": "Keyword*",
    "UsesAndDirections": "IntendedUseAndWorkflow PrimaryIntendedUsers HowToUse TargetedPatientPopulation "
    "CautionedOutOfScopeSettings",
    "Warnings": "KnownRisksAndLimitations KnownBiasesOrEthicalConsiderations ClinicalRiskLevel",
    "TrustIngredients": "AISystemFacts TransparencyInformation",
    "AISystemFacts": "OutcomesAndOutputs ModelType FoundationModels? InputDataSource OutputAndInputDataTypes "
    "DevelopmentDataCharacterization BiasMitigationApproaches OngoingMaintenance Security? Transparency?",
    "TransparencyInformation": "FundingSource ThirdPartyInformation? StakeholdersConsulted",
    "KeyMetrics": "UsefulnessUsabilityEfficacy FairnessEquity SafetyReliability",
    **dict.fromkeys(
        ("UsefulnessUsabilityEfficacy", "FairnessEquity", "SafetyReliability"),
        "MetricGoal Results Interpretation TestType TestingDataDescription ValidationProcessAndJustification",
    ),
    "Results": "MetricResult+",
    "MetricResult": "Label ValueJson",
    "Resources": "EvaluationReferences? ClinicalTrial? PeerReviewedPublications ReimbursementStatus? "
    "PatientConsentOrDisclosure",
}


def write_model_card(inputs: Inputs, path: Path, *, created: dt.datetime) -> None:
    """Write the card; the same inputs give the same bytes.

    Raises:
        ConfigError: It is not as CHAI's schema wants it; all faults are named.
    """
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}AppliedModelCard")
    _add(root, card(inputs, created=created))
    if problems := list(schema_problems(root)):
        raise ConfigError(f"CHAI's model card: {'; '.join(problems)}")
    ElementTree.indent(root)
    path.write_text(ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def schema_problems(element: ElementTree.Element) -> Iterator[str]:
    """Yield each element whose children differ from the schema in name, order or number, or that is out of place."""
    name, children = _local(element.tag), [_local(child.tag) for child in element]
    if element.tag != f"{{{NAMESPACE}}}{name}":
        yield f"{name}: expected the namespace {NAMESPACE}"
    if name not in _CONTENT:
        if children:
            yield f"{name}: expected text, found {', '.join(children)}"
        return
    wanted = "".join(
        f"(?:{word.rstrip('?+*')} ){word[-1] if word[-1] in '?+*' else ''}" for word in _CONTENT[name].split()
    )
    if not re.fullmatch(wanted, "".join(f"{child} " for child in children)):
        yield f"{name}: expected {_CONTENT[name]}, found {' '.join(children) or 'nothing'}"
    for child in element:
        yield from schema_problems(child)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def card(inputs: Inputs, *, created: dt.datetime) -> Tree:
    """Return the card as nested elements, in the schema's order; a list repeats its element."""
    device, model, maker = inputs.device, inputs.model, inputs.device.manufacturer
    config = inputs.tables["training"]["config"]
    return {
        "BasicInfo": {
            "ModelName": f"{device.name} ({model['name']} {model['version']})",
            "ModelDeveloper": maker.name or "The Pneumoscope contributors",
            "DeveloperContact": maker.contact or _OPEN,
        },
        "ReleaseInfo": {
            "ReleaseStage": "Research; not cleared, not for diagnosis",
            "ReleaseDate": created.date().isoformat(),
            "ReleaseVersion": model["version"],
            "GlobalAvailability": "Open source; no market clearance anywhere",
            "RegulatoryApproval": "None",
        },
        "ModelSummary": {
            "Summary": "Says of one frontal chest radiograph whether it is suspicious for pneumonia, or that the "
            "software is uncertain. A physician reads every image.",
            "Keywords": {"Keyword": ["chest radiograph", "pneumonia", "triage", str(device.claim)]},
        },
        "UsesAndDirections": {
            "IntendedUseAndWorkflow": plain(f"{device.texts.indications} {device.texts.workflow}"),
            "PrimaryIntendedUsers": plain(device.texts.users),
            "HowToUse": "Read every image in full, in whatever order it comes; see the labelling of the submission.",
            "TargetedPatientPopulation": f"From age {device.youngest_years:g} to {device.oldest_years:g}; adults and "
            "children are read by separate networks.",
            "CautionedOutOfScopeSettings": plain(" ".join(device.texts.contraindications)),
        },
        "Warnings": {
            "KnownRisksAndLimitations": plain(" ".join(device.texts.limitations)),
            "KnownBiasesOrEthicalConsiderations": "Performance differs between PA and AP views and with the number of "
            "earlier images; race, ethnicity and detector are not recorded in the public data.",
            "ClinicalRiskLevel": f"Documentation level {device.documentation_level}; see the risk analysis.",
        },
        "TrustIngredients": {
            "AISystemFacts": {
                "OutcomesAndOutputs": "Probability, decision at a threshold, uncertainty",
                "ModelType": f"{config['backbone']}, convolutional network for each population, predictive",
                "InputDataSource": "DICOM images of CR and DX units",
                "OutputAndInputDataTypes": "In: one image. Out: DICOM SR and Secondary Capture.",
                "DevelopmentDataCharacterization": "NIH ChestX-ray14 with RSNA's readings (adults); Kermany 2018 "
                "(children one to five years); see the chapter on databases.",
                "BiasMitigationApproaches": _mitigation(inputs),
                "OngoingMaintenance": "Control charts at each site and a draft change control plan",
                "Security": "Threat model and bill of materials in the submission",
                "Transparency": "Source, evidence and predictions are public",
            },
            "TransparencyInformation": {
                "FundingSource": _OPEN,
                "StakeholdersConsulted": "Engineers only; no clinician has taken part yet",
            },
        },
        "KeyMetrics": {
            "UsefulnessUsabilityEfficacy": _metric(
                "Move positives up and leave most negatives", list(_efficacy(inputs)), "No study of time has been done."
            ),
            "FairnessEquity": _metric(
                "Equal sensitivity and specificity in PA and AP views",
                list(_groups(inputs)),
                "Gaps remain.",
            ),
            "SafetyReliability": _metric(
                "No image is overtaken by one that arrived more than an hour later", list(_safety(inputs)), "Simulated."
            ),
        },
        "Resources": {
            "EvaluationReferences": "FDA_Submission.pdf",
            "PeerReviewedPublications": "None",
            "PatientConsentOrDisclosure": "Public data, de-identified by their publishers",
        },
        "Bibliography": "",
    }


def _mitigation(inputs: Inputs) -> str:
    by_view = inputs.card is not None and any(rule.by_view for rule in inputs.card.rules.values())
    own = "; calibration and thresholds for each view, with the same sensitivity in both" if by_view else ""
    return f"Separate networks for adults and children{own}; augmentation that models acquisition; results by subgroup."


def _metric(goal: str, results: list[tuple[str, Any]], interpretation: str) -> Tree:
    shown = results or [("none", None)]
    return {
        "MetricGoal": goal,
        "Results": {"MetricResult": [{"Label": label, "ValueJson": json.dumps(value)} for label, value in shown]},
        "Interpretation": interpretation,
        "TestType": "Retrospective, stand-alone",
        "TestingDataDescription": "Test images of the submission; reused, see its table of accesses",
        "ValidationProcessAndJustification": "Thresholds chosen on validation patients; intervals clustered by patient",
    }


def _efficacy(inputs: Inputs) -> Any:
    for cohort in inputs.device.cohorts("test"):
        found = inputs.tables["action"][key_of(cohort)]
        for name in ("sensitivity", "specificity"):
            yield f"{cohort.title}: {name} of moving up", _value(found[name])


def _groups(inputs: Inputs) -> Any:
    for cohort in inputs.device.cohorts("test"):
        for group, numbers in inputs.tables["action"][key_of(cohort)]["groups"].items():
            if group in ("PA", "AP"):
                yield f"{cohort.title}, {group}: specificity", _value(numbers["specificity"])


def _safety(inputs: Inputs) -> Any:
    for load, case in inputs.tables["simulation"].get("by_load", {}).items():
        yield f"largest overtaking at a load of {load}, min", case["released_overtaking"]


def _value(leaf: Any) -> Any:
    if not isinstance(leaf, Number):
        return None
    return {"value": round(leaf.value, 4), "low": round(leaf.low, 4), "high": round(leaf.high, 4), "n": leaf.n}


def _add(parent: ElementTree.Element, tree: Tree) -> None:
    for name, value in tree.items():
        for one in value if isinstance(value, list) else [value]:
            child = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
            if isinstance(one, dict):
                _add(child, one)
            else:
                child.text = str(one)
