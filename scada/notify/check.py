"""Finds mistakes in a project's mail templates when the project is loaded, with file and line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from scada.core.errors import Problem
from scada.core.plant import Plant
from scada.core.records import Channel
from scada.core.tag import Tag
from scada.core.value import GOOD, SECOND_US, Kind, Value
from scada.notify.compose import Composer
from scada.notify.report import SAMPLE
from scada.notify.samples import sample
from scada.notify.templates import FRAMES, PARTS, SHIPPED, TEMPLATE_FILE, WORDS_FILE, Library

FOLDER = "mail"
TEMPLATE_BYTES_MAX = 200_000
_KINDS = tuple(dict.fromkeys(SHIPPED.values()))
_TAG_FUNCTIONS = frozenset(("tag", "value", "quality", "age_s"))
_NOW_US = 1_790_000_000 * SECOND_US
_LINE = re.compile(r"line (\d+)")
_IGNORED = (".md", ".orig", "~")


def check_templates(folders: Sequence[Path], plant: Plant) -> list[Problem]:
    """All mistakes in a project's templates.

    Args:
        folders: the project's `mail` folder (which need not be there), then the shipped one.
    """
    return [*_Check(folders, plant).problems()]


class _Check:
    def __init__(self, folders: Sequence[Path], plant: Plant) -> None:
        self._own = folders[0]
        self._plant = plant
        self._library = Library(folders, plant.languages[0])
        tags = {d.path: _with_value(Tag(d, number)) for number, d in enumerate(plant.tags)}
        self._composer = Composer(plant, folders, read=tags.get)
        self._used = dict(_references(plant))

    def problems(self) -> Iterator[Problem]:
        for name, places in self._used.items():
            if not self._library.has(name):
                for place in places:
                    hint = _near(name, [*SHIPPED, *self._names()])
                    yield Problem(FOLDER, place, f"there is no template '{name}'", hint)
        if not self._own.is_dir():
            return
        files = sorted(file for file in self._own.iterdir() if file.is_file() and not _ignored(file))
        broken = [problem for file in files if WORDS_FILE.match(file.name) for problem in _words(file)]
        yield from broken
        if broken:
            return  # every template would seem wrong
        for file in files:
            if not WORDS_FILE.match(file.name):
                yield from self._file(file)

    def _file(self, file: Path) -> Iterator[Problem]:
        shown = f"{FOLDER}/{file.name}"
        match = TEMPLATE_FILE.match(file.name)
        if match is None:
            parts = ", ".join(PARTS)
            yield Problem(
                shown,
                "",
                f"is no template: a name is NAME.PART or NAME.LANGUAGE.PART with PART out of {parts}",
            )
            return
        try:
            if file.stat().st_size > TEMPLATE_BYTES_MAX:
                yield Problem(shown, "", f"a template has at most {TEMPLATE_BYTES_MAX:,} bytes")
                return
            source = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            yield Problem(shown, "", f"cannot be read as UTF-8 text: {error}")
            return
        environment = self._library.environment(match["part"])
        try:
            tree = environment.parse(source, file.name, str(file))
        except TemplateSyntaxError as error:
            yield Problem(shown, "", error.message or "syntax error", line=error.lineno)
            return
        kinds = self._kinds(match["name"])
        found = [*self._names_in(tree, shown, kinds, match["part"]), *self._tags_in(tree, shown)]
        yield from found
        if not found and match["name"] not in FRAMES:
            yield from self._trial(file, shown, match["name"], match["part"], match["language"], kinds)

    def _names_in(
        self, tree: nodes.Template, shown: str, kinds: Sequence[str], part: str
    ) -> Iterator[Problem]:
        environment = self._library.environment(part)
        known = {name for kind in kinds for name in self._facts(kind, self._plant.languages[0])}
        known |= set(environment.globals) | self._exported(part)
        undeclared = meta.find_undeclared_variables(tree) - known
        for name in _loads(tree):
            if name.name in undeclared:
                yield Problem(
                    shown, "", f"'{name.name}' is no fact of a message", _near(name.name, known), name.lineno
                )
        for attribute in tree.find_all(nodes.Getattr):
            if isinstance(attribute.node, nodes.Name) and attribute.node.name == "w":
                for language in self._plant.languages:
                    words = self._library.words(language)
                    if attribute.attr not in words and attribute.attr not in dir(dict):
                        reason = f"there is no word '{attribute.attr}' in words.{language}.toml"
                        yield Problem(shown, "", reason, _near(attribute.attr, words), attribute.lineno)
                        break
        for other in meta.find_referenced_templates(tree):
            if other is not None and other not in environment.list_templates():
                yield Problem(shown, "", f"there is no file '{other}'")

    def _tags_in(self, tree: nodes.Template, shown: str) -> Iterator[Problem]:
        for call in tree.find_all(nodes.Call):
            if not isinstance(call.node, nodes.Name) or call.node.name not in _TAG_FUNCTIONS or not call.args:
                continue
            path = call.args[0]
            if isinstance(path, nodes.Const) and path.value not in self._plant.definitions:
                hint = _near(str(path.value), self._plant.definitions)
                yield Problem(shown, "", f"there is no tag '{path.value}'", hint, call.lineno)

    def _trial(
        self, file: Path, shown: str, name: str, part: str, language: str | None, kinds: Sequence[str]
    ) -> Iterator[Problem]:
        """Render with the facts of each kind in each language; the first mistake of the file is told."""
        for kind in kinds:
            for one in (language,) if language else self._plant.languages:
                facts = self._facts(kind, one, name)
                template = self._library.environment(part).get_template(file.name)
                try:
                    template.render(facts)
                except TemplateSyntaxError as error:
                    yield Problem(
                        f"{FOLDER}/{error.name}", "", error.message or "syntax error", line=error.lineno
                    )
                    return
                except (
                    TemplateError,
                    ArithmeticError,
                    AttributeError,
                    LookupError,
                    MemoryError,
                    RuntimeError,
                    TypeError,
                    ValueError,
                ) as error:
                    reason = f"cannot be rendered with the facts of '{kind}' in '{one}': {error}"
                    yield Problem(shown, "", reason, line=_line_in(error, file))
                    return

    def _facts(self, kind: str, language: str, template: str = "") -> Mapping[str, Any]:
        chosen = template or next(name for name, one in SHIPPED.items() if one == kind)
        parcel = sample(
            self._plant,
            chosen,
            "alarm" if kind == "sms" else kind,
            language=language,
            contact=None,
            now_us=_NOW_US,
            channel=Channel.SMS if kind == "sms" else Channel.EMAIL,
        )
        return self._composer.facts(parcel, _NOW_US, SAMPLE)

    def _kinds(self, name: str) -> list[str]:
        """The kinds of facts that a template may be given."""
        if name == "sms" or name in FRAMES:
            return list(_KINDS)
        kinds = [SHIPPED[name]] if name in SHIPPED else []
        of_section = {"report": "report", "notice": "event"}
        kinds += [of_section.get(place.partition(" ")[0], "alarm") for place in self._used.get(name, ())]
        return list(dict.fromkeys(kinds)) or ["alarm"]

    def _exported(self, part: str) -> set[str]:
        """Names that some template sets, which those that extend it may use."""
        environment = self._library.environment(part)
        names: set[str] = set()
        for other in environment.list_templates(extensions=[part]):
            assert environment.loader is not None
            try:
                tree = environment.parse(environment.loader.get_source(environment, other)[0])
            except (TemplateError, UnicodeDecodeError):
                continue
            for node in tree.body:
                if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                    names.add(node.target.name)
                elif isinstance(node, nodes.Import):
                    names.add(node.target)
                elif isinstance(node, nodes.Macro):
                    names.add(node.name)
        return names

    def _names(self) -> set[str]:
        files = (file.name for folder in self._library.folders for file in folder.iterdir())
        return {match["name"] for file in files if (match := TEMPLATE_FILE.match(file))} - FRAMES


def _with_value(tag: Tag) -> Tag:
    """A tag with some value: a trial is about the template, not about what happens to be known."""
    samples: dict[Kind, Value] = {Kind.BIT: True, Kind.REGISTER: 1.0, Kind.TEXT: "text"}
    tag.value, tag.quality, tag.server_us = samples[tag.definition.kind], GOOD, _NOW_US
    return tag


def _references(plant: Plant) -> Iterator[tuple[str, list[str]]]:
    """(template, places of the project that name it)."""
    places: dict[str, list[str]] = {}
    for profile in plant.profiles:
        places.setdefault(profile.template, []).append(f"profile '{profile.name}'")
        for number, step in enumerate(profile.steps, 1):
            places.setdefault(step.template, []).append(f"profile '{profile.name}', step {number}")
    for report in plant.reports:
        places.setdefault(report.template, []).append(f"report '{report.name}'")
    for notice in plant.notices:
        places.setdefault(notice.template, []).append(f"notice '{notice.name}'")
    yield from places.items()


def _words(file: Path) -> Iterator[Problem]:
    try:
        tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        line = _LINE.search(str(error))
        yield Problem(f"{FOLDER}/{file.name}", "", str(error), line=int(line[1]) if line else 0)


def _loads(tree: nodes.Template) -> Iterator[nodes.Name]:
    """The first use of each name."""
    seen: set[str] = set()
    for name in sorted(tree.find_all(nodes.Name), key=lambda one: one.lineno):
        if name.ctx == "load" and name.name not in seen:
            seen.add(name.name)
            yield name


def _line_in(error: BaseException, file: Path) -> int:
    line, frame = 0, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(file):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean '{near[0]}'?" if near else ""


def _ignored(file: Path) -> bool:
    return file.name.startswith(".") or file.name.endswith(_IGNORED)
