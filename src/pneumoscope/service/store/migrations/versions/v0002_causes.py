"""Say why an image waits; keep the digest of each file that is delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add two columns, each with a default: an older node goes on writing rows without them."""
    op.add_column("images", sa.Column("error", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("sha256", sa.String(64), nullable=False, server_default=""))
