"""Templates and words: the project's `mail` folder first, then the shipped one (`alarms/mail`).

A template has up to three parts: `<name>.subject`, `<name>.txt`, `<name>.html`. A language may have its own
(`<name>.fr.txt`); otherwise one serves all, with the words of `words.<language>.toml` as `w`. A project's template
may extend the shipped one of the same name: `{% extends "shipped/alarm.txt" %}`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

PARTS = ("subject", "txt", "html")
TEMPLATE_FILE = re.compile(
    r"(?P<name>[A-Za-z0-9_-]{1,60})(\.(?P<language>[a-z]{2}))?\.(?P<part>subject|txt|html)\Z"
)
WORDS_FILE = re.compile(r"words\.(?P<language>[a-z]{2})\.toml\Z")
FRAMES = frozenset(("base", "parts"))
"""Files of the HTML part that are no message themselves."""

SHIPPED: Mapping[str, str] = {
    "alarm": "alarm",
    "escalated": "alarm",
    "chattering": "alarm",
    "chatter_ended": "alarm",
    "several": "several",
    "digest": "several",
    "sms": "sms",
    "event": "event",
    "report": "report",
    "self_test": "test",
    "test": "test",
    "action": "action",
}
"""Shipped template → kind of facts that it is given."""

DEFAULT = {"alarm": "alarm", "several": "several", "sms": "sms", "event": "event", "report": "report",
           "test": "test", "action": "action"}  # fmt: skip
"""Kind → template that stands in for a part that a project's template does not have."""


class Library:
    """The templates of a plant.

    Args:
        folders: in the order in which they are searched; those that are not there are passed over.
        language: the project's first, for texts that a language lacks.
    """

    def __init__(self, folders: Sequence[Path], language: str) -> None:
        self.folders = tuple(folder for folder in folders if folder.is_dir())
        self._language = language
        self._text = _environment(self.folders, autoescape=False)
        self._html = _environment(self.folders, autoescape=True)
        self._words: dict[str, Mapping[str, Any]] = {}

    def names(self, template: str, part: str, language: str) -> list[str]:
        """File names of a part, best first."""
        own = [f"{template}.{language}.{part}", f"{template}.{part}"]
        return [*own, *(f"{template}.{other}.{part}" for other in dict.fromkeys((self._language, "en")))]

    def find(self, template: str, part: str, language: str) -> Template | None:
        """A part of a template, or None where no folder has it.

        Raises:
            jinja2.TemplateSyntaxError: it cannot be read.
        """
        environment = self._html if part == "html" else self._text
        try:
            return environment.select_template(self.names(template, part, language))
        except TemplateNotFound as missing:
            if missing.name in self.names(template, part, language):
                return None
            raise

    def has(self, template: str) -> bool:
        """Whether any part of a template is there, in any language."""
        return any(
            match["name"] == template
            for folder in self.folders
            for file in folder.iterdir()
            if (match := TEMPLATE_FILE.match(file.name))
        )

    def words(self, language: str) -> Mapping[str, Any]:
        """The words of a language over those of English, the project's over the shipped ones."""
        if language not in self._words:
            merged: dict[str, Any] = {}
            for one in dict.fromkeys(("en", language)):
                for folder in reversed(self.folders):
                    file = folder / f"words.{one}.toml"
                    if file.is_file():
                        _overlay(merged, tomllib.loads(file.read_text("utf-8")))
            self._words[language] = merged
        return self._words[language]

    def environment(self, part: str) -> Environment:
        """What parses a part."""
        return self._html if part == "html" else self._text


def _environment(folders: Sequence[Path], *, autoescape: bool) -> Environment:
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(
            [FileSystemLoader(folders), PrefixLoader({"shipped": FileSystemLoader(folders[-1:])})]
        ),
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=True,  # an integrator's change counts at once; a mistake in it is an alarm
    )


def _overlay(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            base[name] = {**base[name], **value}
        else:
            base[name] = value
