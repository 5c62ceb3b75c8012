"""Message catalogues, read once from `locale/<language>.po`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from babel.messages.pofile import read_po

Translate = Callable[[str], str]

LANGUAGES: Mapping[str, str] = {"en": "English", "fr": "Français"}
"""Code → name in itself. English is the language of the message ids."""
DEFAULT_LANGUAGE = "en"
LOCALE_FOLDER = Path(__file__).parent / "locale"


def marked(message: str) -> str:
    """Mark a text for the catalogue where it stands; it is translated where it is shown."""
    return message


@functools.cache
def messages(language: str) -> Mapping[str, str]:
    """Message id → text of a language; empty for the default language and for unknown ones."""
    if language == DEFAULT_LANGUAGE or language not in LANGUAGES:
        return {}
    with (LOCALE_FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string
    }


@functools.cache
def translator(language: str) -> Translate:
    """A function from message id to text. What is not translated stays English: never blank."""
    table = messages(language)
    if not table:
        return str

    def translate(message: str) -> str:
        return table.get(message, message)

    return translate
