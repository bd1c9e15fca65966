"""Which message was the newest when one was filed: clocks may be set back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipts", sa.Column("filed_after", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("receipts") as receipts:
        receipts.drop_column("filed_after")
