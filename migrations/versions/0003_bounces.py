"""Which message's answer a bounce brings back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipts", sa.Column("brings_back", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("receipts") as receipts:
        receipts.drop_column("brings_back")
