"""What is left of a patient on the node: file modes, retention, deletion on request."""

import os
import time
from pathlib import Path

import pytest
from tests.service.conftest import PATIENT, build_object, encode
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.service import parse_config
from pneumoscope.service.config import ReadingConfig
from pneumoscope.service.housekeeping import Housekeeping
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.purge import purge_patient, purge_study
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Route, deliveries, images, open_store, people, results, studies
from pneumoscope.service.watch import Watch
from pneumoscope.service.worker import Worker


@pytest.fixture
def site(tmp_path, artifact):
    """A node's configuration, store, spool and inbox, with three images of two studies read."""
    os.umask(0o022)
    tables = {
        "store": {"path": str(tmp_path / "spool"), "min_free_mb": 1},
        "watch": {"path": str(tmp_path / "drop"), "settle_s": 0.0},
    }
    config = parse_config(tables)
    store, spool = open_store(config.store.url), Spool(config.store.path)
    inbox = Inbox(store, spool)
    for uid, study in (("1.1", "1.2.3"), ("1.2", "1.2.3"), ("1.3", "1.2.4")):
        inbox.take(encode(build_object(uid, study_uid=study)), caller="CR1", route=Route.UPLOAD)
    Worker(ReadingConfig(), name="w", store=store, spool=spool, artifact=artifact, destinations=()).work()
    spool.write_study("1.2.3", b"{}")
    yield config, store, spool, inbox
    store.close()


def files_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


@pytest.mark.req("REQ-SV-05")
def test_nobody_but_the_owner_can_read_what_the_node_keeps(site):
    config, _store, spool, _inbox = site
    folders = [spool.root, *(path for path in spool.root.rglob("*") if path.is_dir())]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}
    assert {oct(path.stat().st_mode & 0o777) for path in files_in(spool.root)} == {"0o600"}
    spool.root.chmod(0o755)
    (spool.root / "queue.db").chmod(0o644)
    Spool(spool.root)
    open_store(config.store.url).close()
    assert spool.root.stat().st_mode & 0o077 == 0, "a spool of an earlier release"
    assert (spool.root / "queue.db").stat().st_mode & 0o077 == 0


@pytest.mark.req("REQ-SV-05")
def test_after_retention_nothing_on_the_node_names_the_patient(site, tmp_path):
    config, store, spool, inbox = site
    watch = Watch(config.watch, inbox=inbox, max_object_mb=1)
    for name, content in (("a/good.dcm", encode(build_object("1.4"))), ("bad.dcm", PATIENT.encode())):
        path = tmp_path / "drop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1, 1))
    watch.work()
    watch.work()
    assert len(files_in(tmp_path / "drop")) == 3
    assert {oct(path.stat().st_mode & 0o777) for path in files_in(tmp_path / "drop" / "taken")} == {"0o600"}
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE images SET state = 'done', settled_at = received_at")
    keeper = Housekeeping(config.store, store=store, spool=spool, watch=config.watch)
    assert keeper.work() == 0
    assert len(files_in(tmp_path / "drop")) == 3, "not yet"
    store.now = lambda: time.time() + 31 * 86_400
    assert keeper.work() == 4
    assert files_in(tmp_path / "drop") == []
    assert [path.name for path in files_in(spool.root) if not path.name.startswith("queue.db")] == []
    assert "Zzyzx" not in "".join(map(str, _rows(config)))
    assert {image.patient_id + image.patient_name + image.accession for image in images.newest(store, limit=9)} == {""}
    assert results.of_image(store, 1).status == "refused"
    assert keeper.work() == 0, "and is done with it"


def _rows(config):
    store = open_store(config.store.url)
    with store.reading() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM images")]
        rows += [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM results")]
        rows += [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM audit")]
    store.close()
    return rows


@pytest.mark.req("REQ-SV-02")
def test_the_row_is_marked_before_its_file_is_deleted_and_a_file_that_was_left_goes_at_the_next_start(
    site, monkeypatch
):
    config, store, spool, inbox = site
    store.now = lambda: time.time() + 31 * 86_400
    with monkeypatch.context() as patch:
        patch.setattr(spool, "delete", _power_failure)
        with pytest.raises(KeyboardInterrupt):
            Housekeeping(config.store, store=store, spool=spool).work()
    ((left, path), *_) = [one for one in spool.objects() if one[0] not in images.files(store)]
    assert path.exists()
    assert not inbox.recover(left), "it is known"
    assert not path.exists()


def _power_failure(_relative):
    raise KeyboardInterrupt


def test_files_that_vanish_while_old_ones_are_deleted_are_passed_over(spool, monkeypatch):
    for name in ("a", "b"):
        (spool.root / "incoming" / name).write_bytes(b"")
    stat = Path.stat

    def racing(path, **options):
        if path.name == "a":
            path.unlink(missing_ok=True)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", racing)
    spool.forget("incoming", before=time.time() + 1)
    assert files_in(spool.root / "incoming") == []


@pytest.mark.req("REQ-SV-05")
def test_a_study_is_purged_with_all_that_belongs_to_it_and_the_audit_log_says_so(site):
    config, store, spool, inbox = site
    image = images.find(store, "1.1")
    people.add_feedback(store, image, person="reader", agrees=False, comment=PATIENT)
    found = purge_study(store, spool, config, "1.2.3")
    assert (found.images, found.being_read) == (2, 0)
    assert [image.uid for image in images.newest(store, limit=9)] == ["1.3"]
    assert studies.find(store, "1.2.3") is None
    assert deliveries.of_study(store, "1.2.3") == []
    assert people.feedback_since(store, 0.0) == []
    assert len(list(spool.objects())) == 1
    assert files_in(spool.root / "studies") == []
    assert len(list((spool.root / "results").glob("*/*"))) == 1
    (entry,) = people.audit_entries(store, limit=9)
    assert (entry.action, entry.object.endswith(": 2 images")) == ("purge", True)
    assert "1.2.3" not in entry.object
    again = inbox.take(encode(build_object("1.1", study_uid="1.2.3")), caller="CR1", route=Route.UPLOAD)
    assert again.new, "a study that comes again is a new one"


def test_a_patient_is_purged_from_the_watched_folder_too_and_what_is_being_read_is_said(site, tmp_path):
    config, store, spool, inbox = site
    Watch(config.watch, inbox=inbox, max_object_mb=1)
    kept = tmp_path / "drop" / "taken" / "x.dcm"
    kept.write_bytes(encode(build_object("1.1")))
    inbox.take(encode(build_object("1.5", study_uid="1.2.5")), caller="CR1", route=Route.UPLOAD)
    images.claim(store, worker="w", limit=1, lease_s=60)
    found = purge_patient(store, spool, config, "ID-Zzyzx")
    assert (found.images, found.files, found.being_read) == (3, 1, 1)
    assert not kept.exists()


def test_the_command_deletes_and_refuses_what_it_does_not_understand(site, tmp_path):
    _config, store, _spool, _inbox = site
    file = tmp_path / "node.toml"
    file.write_text(f"[store]\npath = '{tmp_path / 'spool'}'\n[watch]\npath = '{tmp_path / 'drop'}'\n")

    def run(*options):
        done = CliRunner().invoke(app, ["purge", *options, "--config", str(file)])
        return done.exit_code, done.output

    assert run() == (2, "pneumoscope: purge: expected one of --study, --patient, --older-than; found none\n")
    assert run("--older-than", "soon")[0] == 2
    assert run("--patient", " ")[0] != 0
    assert run("--study", "1.2.4") == (0, "deleted 1 images, 0 files of the watched folder\n")
    assert run("--older-than", "0d")[1].startswith("deleted 2 images")
    assert all(image.patient_name == "" for image in images.newest(store, limit=9))
