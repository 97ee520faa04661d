"""Objects as they come: whole or not, again, corrected, in another transfer syntax, under odd UIDs."""

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from tests.service.conftest import build_object, chest_as, encode

from pneumoscope.core import CapacityError, InputError
from pneumoscope.service.config import ReadingConfig
from pneumoscope.service.content import SPILL_BYTES
from pneumoscope.service.inbox import ConflictError, Inbox, IncompleteError
from pneumoscope.service.store import Route, State, images, people, results
from pneumoscope.service.worker import Worker


def take(inbox, content):
    return inbox.take(content, caller="CR1", route=Route.UPLOAD)


def audit_of(store):
    return [(entry.action, entry.object) for entry in people.audit_entries(store, limit=9)]


@pytest.mark.req("REQ-SV-06")
@pytest.mark.parametrize("lost", [1, 100, 3000])
def test_a_cut_off_object_is_not_accepted(inbox, store, spool, lost):
    with pytest.raises(IncompleteError, match="expected a whole one, found it cut off: it lacks"):
        take(inbox, encode(build_object("1.1"))[:-lost])
    assert images.find(store, "1.1") is None
    assert list(spool.objects()) == []


@pytest.mark.req("REQ-SV-06")
def test_the_whole_of_an_object_that_an_earlier_release_took_cut_off_is_read_anew(inbox, store, spool, artifact):
    whole = encode(build_object("1.1"))
    file, _ = spool.add_object("1.1", [whole[:-100]])
    inbox.recover(file)
    worker = Worker(ReadingConfig(), name="w", store=store, spool=spool, artifact=artifact, destinations=())
    worker.work()
    assert images.find(store, "1.1").state is State.FAILED
    assert not take(inbox, whole).new
    assert spool.path(images.find(store, "1.1").file).read_bytes() == whole
    assert worker.work() == 1
    assert images.find(store, "1.1").state is State.REFUSED
    assert [action for action, _ in audit_of(store)] == ["whole object"]


@pytest.mark.req("REQ-SV-06")
def test_the_same_image_in_another_transfer_syntax_is_a_success_that_changes_nothing(inbox, store, spool):
    ds = build_object("1.1")
    take(inbox, encode(ds))
    before = spool.path(images.find(store, "1.1").file).read_bytes()
    ds.compress(RLELossless, generate_instance_uid=False)
    assert not take(inbox, encode(ds)).new
    assert images.find(store, "1.1").resent == 0
    assert spool.path(images.find(store, "1.1").file).read_bytes() == before
    assert audit_of(store) == []


@pytest.mark.req("REQ-SV-06")
def test_corrected_demographics_count_for_later_results_and_the_audit_log_says_which(inbox, store, spool):
    take(inbox, encode(build_object("1.1")))
    corrected = encode(build_object("1.1", PatientName="Right^Name", AccessionNumber="A8"))
    assert not take(inbox, corrected).new
    image = images.find(store, "1.1")
    assert (image.patient_name, image.accession, image.resent) == ("Right^Name", "A8", 0)
    assert dcmread(spool.path(image.file)).PatientName == "Right^Name"
    ((action, target),) = audit_of(store)
    assert (action, "AccessionNumber" in target, "PatientName" in target) == ("corrected", True, True)
    assert "Right" not in target
    assert "Zzyzx" not in target
    assert not take(inbox, corrected).new
    assert len(audit_of(store)) == 1, "the same bytes again change nothing"


@pytest.mark.req("REQ-SV-06")
@pytest.mark.parametrize("change", [{"PixelData": b"\1" * 4096}, {"SeriesInstanceUID": "9.9"}, {"Rows": 32}])
def test_other_pixels_or_identifiers_under_a_known_uid_are_another_object(inbox, store, change):
    take(inbox, encode(build_object("1.1")))
    other = build_object("1.1", **change)
    if "Rows" in change:
        other.Columns = 128
    with pytest.raises(ConflictError):
        take(inbox, encode(other))
    assert images.find(store, "1.1").resent == 1


@pytest.mark.parametrize("uid", ["1.02.003", "0.1", "1." + "2" * 62])
def test_a_uid_with_leading_zeros_is_accepted_and_kept_as_it_is(inbox, store, uid):
    assert take(inbox, encode(build_object(uid))).uid == uid
    assert images.find(store, uid).uid == uid


@pytest.mark.parametrize("uid", ["1." + "2" * 71, "1..2", "1.2.", "1.a"])
def test_a_uid_that_is_too_long_or_malformed_is_refused_with_the_reason(inbox, uid):
    with pytest.raises(InputError, match=r"expected a valid SOPInstanceUID, found one (of 73 char|that)"):
        take(inbox, encode(build_object("1.1", SOPInstanceUID=uid)))


def test_an_object_with_the_prefix_but_no_preamble_is_accepted(inbox):
    assert take(inbox, encode(build_object("1.1"))[128:]).new


def test_our_own_results_are_acknowledged_and_not_read(inbox, store):
    ours = build_object("1.1", Manufacturer="Pneumoscope", ManufacturerModelName="Pneumoscope")
    assert not take(inbox, encode(ours)).new
    assert images.find(store, "1.1") is None
    for changes in ({"Manufacturer": "Pneumoscope"}, {"ManufacturerModelName": "Pneumoscope"}):
        assert take(inbox, encode(build_object(f"1.{len(str(changes))}", **changes))).new, "half a name is not ours"


def test_an_object_larger_than_allowed_is_refused_without_being_kept(store, spool):
    inbox = Inbox(store, spool, max_object_mb=1)
    with pytest.raises(InputError, match="expected at most 1 MB"):
        take(inbox, encode(build_object("1.1", Rows=1025, Columns=1025, PixelData=bytes(1025 * 1026))))
    assert list(spool.objects()) == []
    assert inbox.in_flight.used == 0


def test_what_was_refused_is_told_once_with_sender_and_reason(store, spool):
    seen = []
    inbox = Inbox(store, spool, refused=lambda *words: seen.append(words))
    inbox.note_refusal(InputError("object: expected a valid UID, found none"), caller="CR1")
    assert seen == [("CR1", "object: expected a valid UID, found none")]


@pytest.mark.req("REQ-SV-01")
def test_a_disk_that_fills_up_while_an_object_arrives_gives_its_room_back(inbox, spool, monkeypatch):
    content = inbox.new_content()
    content.write(bytes(SPILL_BYTES))
    monkeypatch.setattr(spool, "open_incoming", _full)
    content.write(bytes(SPILL_BYTES))
    content.write(b"more")
    with pytest.raises(CapacityError, match="No space left"):
        inbox.take_content(content, caller="CR1", route=Route.UPLOAD)
    content.discard()
    content.discard()
    assert inbox.in_flight.used == 0


def _full():
    raise OSError(28, "No space left on device")


def test_a_large_object_is_filed_as_it_came(inbox, spool, store):
    ds = chest_as("1.1")
    ds.decompress(generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.add_new(0x00091010, "OB", b"private")
    whole = encode(ds) + bytes(2)
    assert len(whole) > SPILL_BYTES or len(whole) > 1_000_000
    assert take(inbox, whole).new
    assert spool.path(images.find(store, "1.1").file).read_bytes() == whole
    assert results.of_image(store, 1) is None
