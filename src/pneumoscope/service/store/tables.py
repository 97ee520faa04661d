"""All tables of the node, in one metadata object. Times are seconds since 1970, UTC.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

metadata = MetaData()

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(64), nullable=False, unique=True),
    Column("study_uid", String(64), nullable=False, index=True),
    Column("series_uid", String(64), nullable=False),
    Column("sop_class", String(64), nullable=False),
    Column("syntax", String(64), nullable=False),
    Column("caller", String(64), nullable=False),
    Column("route", String(16), nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("patient_name", Text, nullable=False),
    Column("accession", Text, nullable=False),
    Column("study_date", String(8), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("file", Text),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("resent", Integer, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("claimed_by", String(128)),
    Column("lease_until", Float),
    Column("received_at", Float, nullable=False),
    Column("settled_at", Float),
    Index("images_by_state", "state", "not_before"),
    Index("images_by_patient", "patient_id"),
)

results = Table(
    "results",
    metadata,
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("study_uid", String(64), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("view", String(16)),
    Column("probability", Float),
    Column("threshold", Float),
    Column("operating_point", String(32)),
    Column("positive", Boolean),
    Column("uncertain", Boolean),
    Column("model_sha256", String(64), nullable=False),
    Column("age_years", Float),
    Column("pixel_mean", Float),
    Column("pixel_deviation", Float),
    Column("distance", Float),
    Column("line", Text, nullable=False),
    Column("folder", Text),
    Column("read_at", Float, nullable=False, index=True),
)

studies = Table(
    "studies",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("first_received_at", Float, nullable=False),
    Column("last_received_at", Float, nullable=False, index=True),
    Column("triggered", Boolean, nullable=False),
    Column("completed_at", Float),
    Column("completed_by", String(16)),
    Column("line", Text),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("destination", String(64), nullable=False),
    Column("object", String(96), nullable=False),
    Column("what", String(16), nullable=False),
    Column("image_id", ForeignKey("images.id"), index=True),
    Column("study_uid", String(64), nullable=False, index=True),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False, server_default=""),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("claimed_by", String(128)),
    Column("lease_until", Float),
    Column("error", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("first_tried_at", Float),
    Column("settled_at", Float),
    UniqueConstraint("destination", "object"),
    Index("deliveries_by_state", "state", "destination", "not_before"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("image_uid", String(64), nullable=False, index=True),
    Column("study_uid", String(64), nullable=False),
    Column("person", Text, nullable=False),
    Column("agrees", Boolean, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("person", Text, nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("object", Text, nullable=False),
)

monitoring_events = Table(
    "monitoring_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(128), nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("words", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("told_at", Float),
    UniqueConstraint("kind", "key", "model_sha256"),
)

web_tokens = Table(
    "web_token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
)

web_sessions = Table(
    "web_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("token_id", ForeignKey("web_token.id"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$ LANGUAGE plpgsql",
        "CREATE OR REPLACE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ],
}


@event.listens_for(audit, "after_create")
def _make_append_only(_table: Table, connection: Connection, **_options: Any) -> None:
    """Make the audit log append-only by the database itself, not only by the code that uses it."""
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
