"""What a second judge says of each response, beside the training judge."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("second_score", sa.Double(), "Violation probability by the second judge; null without one"),
    ("second_violated", sa.Boolean(), "The second judge's score is above its threshold"),
)


def upgrade() -> None:
    for name, kind, comment in _COLUMNS:
        op.add_column("violations", sa.Column(name, kind, nullable=True, comment=comment))


def downgrade() -> None:
    for name, _, _ in _COLUMNS:
        op.drop_column("violations", name)
