"""UIDs that are the same each time the same software reads the same image with the same model."""

from uuid import UUID, uuid5

import pneumoscope
from pneumoscope.core import ModelIdentity
from pneumoscope.results.reading import Reading

_NAMESPACE = UUID("6d6f1a3e-52c5-4b0a-8f34-0f2f9f2f5c11")


def instance_uid(source_uid: str, *, reading: Reading, kind: str) -> str:
    """Return the SOP Instance UID of the object of this kind that tells the reading of the source image.

    The decision rule is part of it: another operating point, or another population's rule, is another object.
    """
    decision = reading.decision
    rule = (decision.operating_point, decision.population) if decision else ()
    return _uid("instance", source_uid, reading.model.sha256, *rule, kind)


def series_uid(study_uid: str, *, model: ModelIdentity, kind: str) -> str:
    """Return the Series Instance UID of the objects of this kind in the study."""
    return _uid("series", study_uid, model.sha256, kind)


def tracking_uid(source_uid: str, *, model: ModelIdentity) -> str:
    """Return the Tracking Unique Identifier of the finding on the source image, whatever the operating point."""
    return _uid("finding", source_uid, model.sha256)


def device_uid(model: ModelIdentity) -> str:
    """Return the Device Observer UID: this software with this model."""
    return _uid("device", model.sha256)


def resource_uuid(kind: str, identifier: str) -> UUID:
    """Return the UUID of the FHIR resource of this kind about what the identifier names."""
    return uuid5(_NAMESPACE, chr(0).join(("fhir", kind, identifier)))


def _uid(*parts: str) -> str:
    """Return a UID of the parts and of the software's version, since another version may write other content.

    Source:
        PS3.5 B.2 (UUID derived UID: 2.25 and the UUID as a decimal number); RFC 9562, 5.5 (version 5, from a name).
    """
    return f"2.25.{uuid5(_NAMESPACE, chr(0).join((*parts, pneumoscope.__version__))).int}"
