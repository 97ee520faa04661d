"""Reading -> DICOM structured report (TID 1500); why this template: docs/adr/0004-structured-report.md."""

import warnings
from typing import TYPE_CHECKING

from pydicom import Dataset

import pneumoscope
from pneumoscope.core import Decision, InputError, Radiograph
from pneumoscope.results.reading import ModelSummary, Reading
from pneumoscope.results.source import Source, source
from pneumoscope.results.uid import device_uid, instance_uid, series_uid, tracking_uid
from pneumoscope.results.wording import rounded, sentence

if TYPE_CHECKING:
    from highdicom.sr import AlgorithmIdentification, MeasurementReport, MeasurementsAndQualitativeEvaluations

SERIES_NUMBER = 9001
_SERIES_DESCRIPTION = "Pneumoscope result, research use only"


def structured_report(reading: Reading, radiograph: Radiograph, *, card: ModelSummary) -> Dataset:
    """Return a Comprehensive 3D SR, complete, unverified and preliminary, in the source image's study.

    The same reading always gives the same bytes: dates and times are the source image's, not those of the run.

    Raises:
        InputError: The radiograph has no DICOM header, or one that a report cannot refer to.
        ValueError: The reading was not analysed.

    Source:
        PS3.3 A.35.13 (Comprehensive 3D SR IOD), C.17.2 (SR Document General).
    """
    if radiograph.header is None:
        raise InputError(f"{radiograph.path}: a report needs a DICOM image, found {radiograph.format}")
    about = source(radiograph.header)
    if about.obstacles:
        raise InputError(f"{radiograph.path}: a report cannot refer to it: {', '.join(about.obstacles)}")
    return _report(about, reading=reading, card=card)


def _report(about: Source, *, reading: Reading, card: ModelSummary) -> Dataset:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr import Comprehensive3DSR

    from pneumoscope.results.codes import PRIVATE_SCHEME

    _decision(reading)
    ds = about.ds
    with warnings.catch_warnings():
        # A name of one component ("ward", a research subject's code) is carried over as it is, not judged.
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        report = Comprehensive3DSR(
            evidence=[ds],
            content=_measurement_report(about, reading=reading, card=card),
            series_instance_uid=series_uid(ds.StudyInstanceUID, model=reading.model, kind="sr"),
            series_number=SERIES_NUMBER,
            series_description=_SERIES_DESCRIPTION,
            sop_instance_uid=instance_uid(ds.SOPInstanceUID, reading=reading, kind="sr"),
            instance_number=about.number,
            manufacturer="Pneumoscope",
            manufacturer_model_name="Pneumoscope",
            software_versions=[pneumoscope.__version__, f"{reading.model.name} {reading.model.version}"[:64]],
            content_date=about.date,
            content_time=about.time,
            is_complete=True,
            coding_schemes=[CodingSchemeIdentificationItem(PRIVATE_SCHEME, name="Pneumoscope")],
            specific_character_set="ISO_IR 192",
        )
    del report.InstanceCreationDate, report.InstanceCreationTime
    for equipment in report.ContributingEquipmentSequence:  # highdicom adds itself, with the time of the run
        del equipment.ContributionDateTime
    if "TimezoneOffsetFromUTC" in ds:
        report.TimezoneOffsetFromUTC = ds.TimezoneOffsetFromUTC
    return report


def _measurement_report(about: Source, *, reading: Reading, card: ModelSummary) -> "MeasurementReport":
    """Return TID 1500, with this software as the device observer (TID 1004)."""
    from highdicom.sr import (
        CodedConcept,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )

    from pneumoscope.results import codes

    observer = ObserverContext(
        observer_type=CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=device_uid(reading.model),
            name="Pneumoscope",
            manufacturer_name="Pneumoscope",
            model_name=f"{reading.model.name} {reading.model.version}",
        ),
    )
    return MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=codes.CHEST_RADIOGRAPHY,
        imaging_measurements=[_finding(about, reading=reading, card=card)],
    )


def _finding(about: Source, *, reading: Reading, card: ModelSummary) -> "MeasurementsAndQualitativeEvaluations":
    """Return TID 1501: the finding looked for, how sure the model is, what that means at the operating point."""
    from highdicom.sr import (
        FindingSite,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        RelationshipTypeValues,
        SourceImageForMeasurementGroup,
        TextContentItem,
        TrackingIdentifier,
    )

    from pneumoscope.results import codes

    decision, image_uid = _decision(reading), about.ds.SOPInstanceUID
    probability, threshold = rounded(decision)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=tracking_uid(image_uid, model=reading.model), identifier="Pneumonia on this image"
        ),
        finding_type=codes.PNEUMONIA,
        finding_sites=[FindingSite(anatomic_location=codes.LUNG)],
        algorithm_id=_algorithm(reading, card=card),
        measurements=[
            Measurement(name=name, value=_percent(share), unit=codes.PERCENT)
            for name, share in (
                (codes.CERTAINTY_OF_FINDING, probability),
                (codes.DECISION_THRESHOLD, threshold),
                (codes.REPORTED, decision.report_probability),
            )
            if share is not None
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(codes.FINDING_CONTEXT, codes.SUSPECTED if decision.positive else codes.NOT_SUSPECTED),
            QualitativeEvaluation(codes.DECIDED_BY, codes.BY_PERSON if decision.uncertain else codes.BY_THRESHOLD),
        ],
        source_images=[SourceImageForMeasurementGroup(about.ds.SOPClassUID, image_uid)],
    )
    for name, text in ((codes.OPERATING_POINT, decision.operating_point), (codes.COMMENT, sentence(reading))):
        group[0].ContentSequence.append(TextContentItem(name, text, relationship_type=RelationshipTypeValues.CONTAINS))
    return group


def _algorithm(reading: Reading, *, card: ModelSummary) -> "AlgorithmIdentification":
    """Return TID 4019, with everything that it takes to repeat the result."""
    from highdicom.sr import AlgorithmIdentification

    decision, model = _decision(reading), reading.model
    return AlgorithmIdentification(
        name=model.name,
        version=model.version,
        manufacturer="Pneumoscope",
        parameters=[
            f"sha256={model.sha256}",
            f"software=pneumoscope {pneumoscope.__version__}",
            f"preprocessing={card.preprocessing}",
            f"operating_point={decision.operating_point}",
            f"population={decision.population}",
            f"population_source={decision.population_source}",
            *([f"view_rule={decision.view}"] if decision.view else []),
            f"threshold={decision.threshold:.6g}",
            f"intended_use={card.intended_use}",
            f"licence={card.licence}",
        ],
    )


def _percent(share: float) -> float:
    return round(100.0 * share, 10)  # DS holds 16 characters


def _decision(reading: Reading) -> Decision:
    if reading.decision is None:
        raise ValueError(f"expected an analysed reading, found {reading.status}: {reading.path}")
    return reading.decision
