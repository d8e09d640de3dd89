"""Alembic revisions of the database; `python -m grice_core.store.migrate` applies them."""
