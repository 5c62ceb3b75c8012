"""The project's own views: `views/NAME.toml` and the pictures beside them, read, checked against the plant, and written.

`scada views generate`, and later an editor, write what is read here; nothing is lost on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from scada.core.catalogue import CATALOGUE
from scada.core.errors import StartError
from scada.core.plant import Layer, Mimic, PlacedLine, PlacedSymbol, PlacedText, Plant
from scada.mimic import library
from scada.project.expand import texts
from scada.project.files import Reader, near_or_known
from scada.project.view_schema import ViewFile

FOLDER = "views"
VIEWS_MAX = 200
PICTURE_BYTES_MAX = 10_000_000
PICTURES: Mapping[str, tuple[str, Callable[[bytes], bool]]] = {
    ".png": ("image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff")),
    ".webp": ("image/webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    ".svg": ("image/svg+xml", lambda head: b"<svg" in head),
}
"""Suffix → media type, and whether a file begins like one."""
_HEAD = 4_096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def own_views(reader: Reader, plant: Plant) -> Plant:
    """The plant with the project's own views; what is wrong with them is noted at the reader."""
    folder = reader.directory / FOLDER
    paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    for path in paths[VIEWS_MAX:]:
        reader.problem(f"{FOLDER}/{path.name}", "", f"more than {VIEWS_MAX} views")
    mimics = [_read(reader, plant, path.name) for path in paths[:VIEWS_MAX]]
    return replace(plant, mimics=tuple(mimic for mimic in mimics if mimic is not None))


def _read(reader: Reader, plant: Plant, name: str) -> Mimic | None:
    file = f"{FOLDER}/{name}"
    stem = name.removesuffix(".toml")
    if not _NAME.match(stem):
        reader.problem(file, "", "a view's name has letters, digits, '-' and '_', at most 64")
        return None
    section = reader.toml(file, ViewFile)
    if section is None:
        return None
    mimic = _mimic(stem, section, plant.languages)
    for location, reason, hint in _mistakes(reader.directory / FOLDER, plant, mimic):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        reader.problem(file, where, reason, hint, reader.line_of(file, location))
    return mimic


def _mimic(name: str, section: ViewFile, languages: Sequence[str]) -> Mimic:
    def words(given: dict[str, str]) -> dict[str, str]:
        return texts(given, list(languages))

    return Mimic(
        name=name,
        title=words(section.title),
        site=section.site,
        width=section.width,
        height=section.height,
        background=section.background,
        layers=tuple(
            Layer(name=one.name, title=words(one.title) or {languages[0]: one.name}, hidden=one.hidden)
            for one in section.layers
        ),
        lines=tuple(
            PlacedLine(
                points=tuple((x, y) for x, y in one.points),
                width=one.width,
                dashed=one.dashed,
                layer=one.layer,
            )
            for one in section.lines
        ),
        symbols=tuple(
            PlacedSymbol(
                **one.model_dump(exclude={"label", "tags"}),
                tags={str(role): path for role, path in one.tags.items()},
                label=None if one.label is None else words(one.label),
            )
            for one in section.symbols
        ),
        texts=tuple(
            PlacedText(**one.model_dump(exclude={"text"}), text=words(one.text)) for one in section.texts
        ),
        owned=True,
    )


Mistake = tuple[tuple[str | int, ...], str, str]
"""(location, reason, hint)."""


def _mistakes(folder: Path, plant: Plant, mimic: Mimic) -> Iterator[Mistake]:
    if mimic.site and mimic.site not in (sites := [site.path for site in plant.sites]):
        yield ("site",), f"there is no site '{mimic.site}'", near_or_known(mimic.site, sites)
    if mimic.background:
        yield from _picture_mistakes(folder, mimic.background)
    layers = [layer.name for layer in mimic.layers]
    placed: Iterable[tuple[str, Sequence[Any]]] = (
        ("lines", mimic.lines),
        ("symbols", mimic.symbols),
        ("texts", mimic.texts),
    )
    for kind, things in placed:
        for number, thing in enumerate(things):
            if thing.layer and thing.layer not in layers:
                reason = f"there is no layer '{thing.layer}'"
                yield (kind, number, "layer"), reason, near_or_known(thing.layer, layers)
    branches = _branches(plant)
    for number, symbol in enumerate(mimic.symbols):
        for key, reason, hint in _symbol_mistakes(plant, branches, symbol):
            yield ("symbols", number, key), reason, hint


def _branches(plant: Plant) -> frozenset[str]:
    """Everything that tags lie below."""
    found: set[str] = set()
    for tag in plant.tags:
        branch = tag.path.rpartition(".")[0]
        while branch and branch not in found:
            found.add(branch)
            branch = branch.rpartition(".")[0]
    return frozenset(found)


def _symbol_mistakes(
    plant: Plant, branches: frozenset[str], placed: PlacedSymbol
) -> Iterator[tuple[str, str, str]]:
    known = library().symbols
    symbol = known.get(placed.symbol)
    if symbol is None:
        yield "symbol", f"there is no symbol '{placed.symbol}'", near_or_known(placed.symbol, known)
        return
    if placed.branch and placed.branch not in branches:
        yield "branch", f"there is no branch '{placed.branch}'", near_or_known(placed.branch, branches)
    for role, path in placed.tags.items():
        if role not in symbol.roles:
            yield "tags", f"'{placed.symbol}' has no role '{role}'", near_or_known(role, symbol.roles)
        if path not in plant.definitions and not _learned(plant, path):
            yield "tags", f"there is no tag '{path}'", near_or_known(path, plant.definitions)
    low, high = placed.low, placed.high
    if low is not None and high is not None and low >= high:
        yield "high", f"the scale ends at {high:g}, before it begins at {low:g}", ""
    if placed.command and placed.command not in CATALOGUE:
        yield "command", f"there is no command '{placed.command}'", near_or_known(placed.command, CATALOGUE)
    if placed.command and not placed.branch:
        yield "command", "a command needs a branch that it is given to", ""


def _learned(plant: Plant, path: str) -> bool:
    """Whether a tag may come up by itself: measurands that no template names do, on a connector or charger."""
    place = plant.place_of(path)
    return path == f"{place}.Soc" and place in plant.connectors_by_path


def _picture_mistakes(folder: Path, name: str) -> Iterator[Mistake]:
    path = folder / name
    kind = PICTURES.get(path.suffix.lower())
    if kind is None:
        yield ("background",), f"'{name}' is no picture", f"known: {', '.join(PICTURES)}"
        return
    if path.is_symlink() or not path.is_file():
        yield ("background",), f"there is no file {FOLDER}/{name}", ""
        return
    try:
        if path.stat().st_size > PICTURE_BYTES_MAX:
            yield ("background",), f"'{name}' is larger than {PICTURE_BYTES_MAX:,} bytes", ""
            return
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        yield ("background",), f"'{name}' cannot be read: {error.strerror}", ""
        return
    if not kind[1](head):
        yield ("background",), f"'{name}' does not begin like a {path.suffix[1:]} file", ""


def text_of(mimic: Mimic) -> str:
    """A view as the file that reads as it."""
    lines = [
        f"# View '{mimic.name}'. Symbols and their roles: symbols/manifest.toml; coordinates from the upper left corner.",
        f"title = {_value(mimic.title)}",
        *([f"site = {_value(mimic.site)}"] if mimic.site else []),
        f"width = {_value(mimic.width)}",
        f"height = {_value(mimic.height)}",
        *([f"background = {_value(mimic.background)}"] if mimic.background else []),
    ]
    for name in ("layers", "lines", "symbols", "texts"):
        for thing in getattr(mimic, name):
            lines += ["", f"[[{name}]]", *_keys(thing)]
    return "\n".join([*lines, ""])


def _keys(thing: Any) -> Iterator[str]:
    """The keys of a thing that are not as they would be without being said."""
    for one in fields(thing):
        value = getattr(thing, one.name)
        default = one.default_factory() if callable(one.default_factory) else one.default
        if value != default:
            yield f"{one.name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(str(key))} = {_value(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_value(one) for one in value)}]"
    # A JSON string is a TOML basic string, but for DEL and characters beyond the first plane.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def write(directory: Path, mimic: Mimic) -> Path:
    """Write a view into a project that has none of that name.

    Raises:
        StartError: the project owns one already, or the file cannot be written; nothing was changed.
    """
    path = directory / FOLDER / f"{mimic.name}.toml"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text_of(mimic))
    except FileExistsError:
        raise StartError(f"{path} is there already and belongs to the project: move it away first") from None
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from error
    return path
