"""Alembic's entry: runs the revisions on the connection that `grice_core.store.migrate` opened.

From the command line (`alembic upgrade head`, `alembic revision --autogenerate`) it opens one
itself, on `GRICE_DATABASE_URL`.
"""

from alembic import context
from sqlalchemy import Connection

from grice_core.settings import settings
from grice_core.store.engine import connect
from grice_core.store.migrate import exclusive
from grice_core.store.tables import Base


def migrate(connection: Connection) -> None:
    """Run the revisions inside the connection's transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite can't alter most things in place, so the table is copied.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with exclusive(connect(settings().database_url)) as connection:
        migrate(connection)
