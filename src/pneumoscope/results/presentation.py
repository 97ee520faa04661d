"""Reading -> DICOM Grayscale Softcopy Presentation State: outline and text over the image itself.

Graphic annotations, not overlay planes, which several viewers do not draw. Never sent without the Secondary Capture,
since many viewers show no presentation state at all.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from pydicom import Dataset
from pydicom.valuerep import DSfloat

import pneumoscope
from pneumoscope.core import Geometry, InputError, Radiograph, VoiTable
from pneumoscope.intake import declared_voi, first_table, rescale_of
from pneumoscope.results.contour import contours
from pneumoscope.results.heat_colour import HEAT_THRESHOLD
from pneumoscope.results.picture import picture
from pneumoscope.results.reading import Reading
from pneumoscope.results.source import Source, source
from pneumoscope.results.uid import instance_uid, series_uid
from pneumoscope.results.wording import RESEARCH_USE, headline, percent_beside

if TYPE_CHECKING:
    from highdicom.pr import GraphicAnnotation, GraphicLayer

SERIES_NUMBER = 9003
_SERIES_DESCRIPTION = "Pneumoscope result, research use only"
_GRID_PX = 256
_FULL_SCALE = 2**16 - 1
_MOST_LINES, _FEWEST_POINTS = 8, 8


def presentation_state(reading: Reading, radiograph: Radiograph) -> Dataset:
    """Return the presentation state: the image as displayed, the decision as text, the heat's outline as polylines.

    The outline is where local suspicion exceeds 0.5, as in the overlay. Same reading, same bytes.

    Raises:
        InputError: The radiograph has no DICOM header, or one that nothing can refer to.
        ValueError: The reading was not analysed, or has no heat: without a location there is nothing to present.
    """
    if radiograph.header is None:
        raise InputError(f"{radiograph.path}: a presentation state needs DICOM, found {radiograph.format}")
    about = source(radiograph.header)
    if about.obstacles:
        raise InputError(f"{radiograph.path}: a presentation state cannot refer to it: {', '.join(about.obstacles)}")
    if reading.decision is None or reading.heat is None:
        raise ValueError(f"expected an analysed reading with heat, found {reading.status}: {reading.path}")
    state = _state(about, _image(about, radiograph.header), reading=reading, radiograph=radiograph)
    state.update(_displayed(radiograph))
    if radiograph.geometry is not None:
        _place(state, radiograph.geometry)
    return state


def _state(about: Source, image: Dataset, *, reading: Reading, radiograph: Radiograph) -> Dataset:
    """Return the object.

    Source:
        PS3.3 A.33.1 (GSPS IOD), C.11.10 (identification), C.11.6 (INVERSE is what MONOCHROME1 means here).
    """
    from highdicom import PresentationLUTTransformation
    from highdicom.pr import GraphicLayer, GrayscaleSoftcopyPresentationState

    assert reading.decision is not None, "checked by the caller"
    inverted = image.PhotometricInterpretation == "MONOCHROME1"
    layer = GraphicLayer("PNEUMOSCOPE", order=1, description="Pneumoscope, research use only")
    layer.GraphicLayerRecommendedDisplayGrayscaleValue = 0xFFFF
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        state = GrayscaleSoftcopyPresentationState(
            referenced_images=[image],
            series_instance_uid=series_uid(about.ds.StudyInstanceUID, model=reading.model, kind="gsps"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=instance_uid(about.ds.SOPInstanceUID, reading=reading, kind="gsps"),
            instance_number=about.number,
            manufacturer="Pneumoscope",
            manufacturer_model_name="Pneumoscope",
            software_versions=pneumoscope.__version__,
            device_serial_number=reading.model.sha256[:16],
            content_label="PNEUMOSCOPE",
            content_description="Local suspicion of pneumonia, research use only",
            graphic_layers=[layer],
            graphic_annotations=[_annotation(image, layer, reading=reading, radiograph=radiograph)],
            presentation_lut_transformation=PresentationLUTTransformation(
                presentation_lut_shape="INVERSE" if inverted else "IDENTITY"
            ),
            specific_character_set="ISO_IR 192",
        )
    versions = [pneumoscope.__version__, f"{reading.model.name} {reading.model.version}"[:64]]
    state["SoftwareVersions"].value = versions
    state.SeriesDescription, state.BodyPartExamined = _SERIES_DESCRIPTION, "CHEST"
    state.PresentationCreationDate, state.PresentationCreationTime = about.date, about.time
    del state.InstanceCreationDate, state.InstanceCreationTime
    for equipment in state.get("ContributingEquipmentSequence", []):  # highdicom adds itself, with the time of the run
        del equipment.ContributionDateTime
    return state


def _image(about: Source, header: Dataset) -> Dataset:
    """Return what highdicom needs of the image: references, size, polarity."""
    image = Dataset()
    image.update(about.ds)
    image.Rows, image.Columns, image.SamplesPerPixel = int(header.Rows), int(header.Columns), 1
    image.PhotometricInterpretation = header.PhotometricInterpretation
    return image


def _displayed(radiograph: Radiograph) -> Dataset:
    """Return how the image is displayed, as it was read: the VOI transform that shows it, upright, with square pixels.

    Source:
        PS3.3 C.11.1 (Modality LUT), C.11.8 (Softcopy VOI LUT), C.10.4 (Displayed Area), C.10.6 (Spatial
        Transformation).
    """
    assert radiograph.header is not None, "checked by the caller"
    shown, voi = Dataset(), Dataset()
    if table := first_table(radiograph.header, "ModalityLUTSequence", signed=False):
        shown.ModalityLUTSequence = [_lut(table.first, table.entries)]
        shown.ModalityLUTSequence[0].ModalityLUTType = "US"
    elif rescale := rescale_of(radiograph.header):
        shown.RescaleSlope, shown.RescaleIntercept = (DSfloat(value, auto_format=True) for value in rescale)
        shown.RescaleType = "US"
    used = radiograph.voi or declared_voi(radiograph.header)
    if isinstance(used, VoiTable):
        voi.VOILUTSequence = [_lut(used.first, used.entries * _FULL_SCALE)]
    elif used is not None:
        voi.WindowCenter, voi.WindowWidth = (DSfloat(one, auto_format=True) for one in (used.center, used.width))
        voi.VOILUTFunction = used.function
    if voi:
        shown.SoftcopyVOILUTSequence = [voi]
    return shown


def _place(state: Dataset, geometry: Geometry) -> None:
    """Turn and stretch the displayed area as the image was for reading.

    The corners of the area are those that lie at the top left and bottom right once the image is turned, named by
    their column and row in the image as it is stored.
    """
    degrees, is_flipped = geometry.rotation_and_flip
    if geometry.is_turned:
        state.ImageRotation, state.ImageHorizontalFlip = degrees, "Y" if is_flipped else "N"
    rows, columns = geometry.shape
    corners = geometry.to_stored(np.array([[0.0, 0.0], [columns, rows]]))
    inside = np.clip(np.ceil(corners), 1, geometry.stored_shape[::-1]).astype(int)
    for area in state.DisplayedAreaSelectionSequence:
        area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = inside.tolist()
        if geometry.pixel_aspect != (1, 1):
            area.PresentationPixelAspectRatio = list(geometry.pixel_aspect)
            area.pop("PresentationPixelSpacing", None)


def _lut(first: int, entries: Float[np.ndarray, " n"]) -> Dataset:
    """Return the item of a LUT sequence, with 16 bits an entry: a state may have 8 or 16, an image others too."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 2**16, first % 2**16, 16])
    item.add_new("LUTData", "OW", np.rint(entries).astype("<u2").tobytes())
    return item


def _annotation(
    image: Dataset, layer: "GraphicLayer", *, reading: Reading, radiograph: Radiograph
) -> "GraphicAnnotation":
    from highdicom.pr import GraphicAnnotation, GraphicObject, TextObject

    lines = outlines(reading, radiograph)
    text = TextObject(
        text_value=_words(reading, n_lines=len(lines)),
        units="DISPLAY",
        bounding_box=(0.02, 0.02, 0.6, 0.14),
        text_justification="LEFT",
    )
    return GraphicAnnotation(
        referenced_images=[image],
        graphic_layer=layer,
        graphic_objects=[GraphicObject("POLYLINE", line, units="PIXEL", is_filled=False) for line in lines] or None,
        text_objects=[text],
    )


def outlines(reading: Reading, radiograph: Radiograph) -> list[Float[np.ndarray, "n 2"]]:
    """Return closed lines around what is above `HEAT_THRESHOLD`, as (column, row) of the stored image, largest first.

    The origin is the outer corner of the first stored pixel (PS3.3 C.10.5.1.2, PIXEL). At most eight lines; specks
    that a few points enclose are left out.
    """
    assert radiograph.pixels is not None, "a reading with heat has pixels"
    heat = picture(reading, radiograph, longest_px=_GRID_PX).heat
    assert heat is not None, "asked for"
    rows, columns = radiograph.pixels.shape
    geometry = radiograph.geometry or Geometry.unchanged(radiograph.pixels.shape)
    scale = np.array([columns / heat.shape[1], rows / heat.shape[0]])
    found = [line for line in contours(heat, threshold=HEAT_THRESHOLD) if len(line) > _FEWEST_POINTS]
    return [geometry.to_stored(line * scale) for line in found[:_MOST_LINES]]


def _words(reading: Reading, *, n_lines: int) -> str:
    decision = reading.decision
    assert decision is not None, "checked by the caller"
    probability = percent_beside(decision.probability, other=decision.threshold)
    threshold = percent_beside(decision.threshold, other=decision.probability)
    place = "Outline: what raised the score, not disease" if n_lines else "No region stands out"
    return f"{headline(decision)}: {probability} (flagged from {threshold})\r\n{place}\r\n{RESEARCH_USE}"
