"""Study completion: when a study counts as complete it gets a result of its own, kept and delivered."""

import json
import threading
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError
from pneumoscope.results import StudyLine, fhir_bundle, oru_message, study_line
from pneumoscope.service.config import Destination, Kind, StudyConfig, When
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.products import wants
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Image, Parcel, Store, Study, What, images, results, studies

_POLL_S = 1.0
_FAULT_DELAY_S = 300.0
_FINDINGS = {
    "suspicious": When.SUSPICIOUS,
    "uncertain": When.UNCERTAIN,
    "clear": When.CLEAR,
    "not analysed": When.REFUSED,
}


class Completion:
    """Completes studies; `run` is a thread's work."""

    def __init__(self, config: StudyConfig, *, store: Store, spool: Spool, destinations: Sequence[Destination]) -> None:
        """`destinations` is empty in silent mode."""
        self._config = config
        self._store = store
        self._spool = spool
        self._retry_at: dict[str, float] = {}
        self._destinations = [one for one in destinations if one.kind in (Kind.WEBHOOK, Kind.FHIR, Kind.HL7)]

    def run(self, *, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        while not stop.wait(_POLL_S):
            try:
                self.work()
            except (CapacityError, SQLAlchemyError) as error:
                logger.error("study completion waits", error=type(error).__name__)

    def released(self, caller: str, study_uids: set[str]) -> None:
        """Mark what an association brought as complete if its sender is a trigger."""
        if caller in self._config.triggers:
            studies.trigger(self._store, sorted(study_uids))

    def work(self) -> int:
        """Complete what is due; return how many studies.

        Raises:
            CapacityError: The disk is full.
            SQLAlchemyError: The database does not answer.
        """
        due = studies.due(
            self._store,
            complete_after_s=self._config.complete_after_s,
            expected_images=self._config.expected_images,
        )
        return sum(self._attempt(study, by) for study, by in due if self._may_be_tried(study))

    def _may_be_tried(self, study: Study) -> bool:
        """Return whether the study's delay after a fault has passed."""
        return self._retry_at.get(study.uid, 0.0) <= self._store.now()

    def _attempt(self, study: Study, by: str) -> bool:
        """Complete a study; a fault in one study delays that study and no other."""
        try:
            done = self._complete(study, by)
        except (CapacityError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001
            logger.error("study not completed", study=hashed(study.uid), error=type(error).__name__)
            self._retry_at[study.uid] = self._store.now() + _FAULT_DELAY_S
            return False
        self._retry_at.pop(study.uid, None)
        return done

    def _complete(self, study: Study, by: str) -> bool:
        taken = images.of_study(self._store, study.uid)
        lines = [json.loads(result.line) for result in results.of_study(self._store, study.uid)]
        line = study_line(lines, study_uid=study.uid, completed_by=by)
        parcels = [self._parcel(destination, line, taken) for destination in self._wanting(line, taken)]
        done = studies.complete(self._store, study, by=by, line=json.dumps(line, ensure_ascii=False), parcels=parcels)
        if done:
            logger.info("study complete", study=hashed(study.uid), by=by, images=len(taken), finding=line["finding"])
        return done

    def _wanting(self, line: StudyLine, taken: Sequence[Image]) -> list[Destination]:
        result = _FINDINGS[line["finding"]]
        return [
            destination
            for destination in self._destinations
            if any(wants(destination, caller=image.caller, result=result) for image in taken)
        ]

    def _parcel(self, destination: Destination, line: StudyLine, taken: Sequence[Image]) -> Parcel:
        """Return the delivery; a study that grows after it was complete is sent again, with all its images."""
        study_uid = line["study_instance_uid"]
        key = f"study:{study_uid}:{len(taken)}"
        newest, now = taken[-1], self._store.now()
        about = {"patient_id": newest.patient_id, "accession": newest.accession, "study_date": newest.study_date}
        content: object = line
        if destination.kind is Kind.FHIR:
            content = fhir_bundle(line, **about, completed_at=now)
        if destination.kind is Kind.HL7:
            receiver = (destination.hl7_application, destination.hl7_facility)
            message = oru_message(
                line, **about, patient_name=newest.patient_name, completed_at=now, key=key, receiver=receiver
            )
            file = self._spool.write_study(study_uid, message.encode(), suffix=".hl7")
        else:
            file = self._spool.write_study(study_uid, json.dumps(content, ensure_ascii=False).encode())
        return Parcel(
            destination=destination.name,
            object=key,
            what=What.STUDY_RESULT,
            image_id=None,
            study_uid=study_uid,
            file=file,
        )
