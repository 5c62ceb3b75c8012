"""Columns as all steps write them: NOT NULL with a default of the database, so that they can be added to full tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, text


def words(name: str) -> Column[str]:
    """Text."""
    return Column(name, Text, nullable=False, server_default="")


def moment(name: str) -> Column[int]:
    """Microseconds since 1970 UTC, or another integer of 64 bits."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def number(name: str, **options: Any) -> Column[int]:
    """A small integer."""
    return Column(name, Integer, nullable=False, **options)


def count(name: str) -> Column[int]:
    """A small integer that is 0 where nothing is said."""
    return number(name, server_default=text("0"))


def flag(name: str) -> Column[bool]:
    """True or false; false where nothing is said."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def maybe(name: str) -> Column[int]:
    """An integer of 64 bits, or nothing."""
    return Column(name, BigInteger)
