"""Versions of the sample store, by Alembic."""
