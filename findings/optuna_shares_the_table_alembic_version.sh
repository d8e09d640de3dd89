#!/usr/bin/env bash
# optuna 5.0.0: its RDBStorage keeps the revision of its schema in `alembic_version`, the table that any program with
# Alembic 1.20.1 uses by default. In a database that holds such a program's tables it takes that program's revision for its own:
# it creates its twelve tables, then refuses them as of a later Optuna ("Please try updating optuna") and leaves them there.
# In a database that Optuna was first in, the program's own `alembic upgrade` stops at "Can't locate revision" with a
# revision that is none of its own.
# Seen both ways on SQLite. Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q optuna==5.0.0 alembic==1.20.1
cd "$folder"
mkdir -p own/versions
cat > own/env.py <<'PY'
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
PY
cat > own/versions/0001_first.py <<'PY'
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))
PY
"$folder/venv/bin/python" - <<'PY'
import optuna
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect


def upgrade(url):
    config = Config()
    config.set_main_option("script_location", "own")
    config.set_main_option("sqlalchemy.url", url)
    command.upgrade(config, "head")


def said_by(action, url):
    try:
        action(url)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


ours, theirs = "sqlite:///ours.db", "sqlite:///theirs.db"
upgrade(ours)
refused = said_by(optuna.storages.RDBStorage, ours)
left = set(inspect(create_engine(ours)).get_table_names()) - {"notes", "alembic_version"}
print("optuna second:", refused)
print("tables it leaves:", len(left), sorted(left)[:3], "…")
assert "updating optuna" in refused and "studies" in left

optuna.storages.RDBStorage(theirs)
stopped = said_by(upgrade, theirs)
print("optuna first:", stopped)
assert "Can't locate revision" in stopped
PY
