"""How Alembic gets its connection: from the program, or for `alembic` on a command line from PLANIT_DATABASE_URL."""

import os

from alembic import context
from sqlalchemy import Connection

from planit_mailer.adapters.sql import engine as engines
from planit_mailer.adapters.sql import schema


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,  # SQLite can, once the driver leaves the transaction to us
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = os.environ.get("PLANIT_DATABASE_URL", "")
    with engines.connect(engines.parse(url)).begin() as own:
        run(own)
