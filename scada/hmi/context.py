"""What a page is built with: who looks, in which language and theme, at which plant."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from scada.core.access import Actor, Right
from scada.core.catalogue import CATALOGUE
from scada.core.plant import Plant, Site
from scada.core.tag import TagDefinition
from scada.hmi import alarms, navigation, words
from scada.hmi.alarm_list import AlarmFilter
from scada.hmi.live import Live
from scada.hmi.sentences import sentence
from scada.hmi.services import HmiServices
from scada.hmi.symbols import svg
from scada.i18n import LANGUAGES, Formats, Translate, translator
from scada.mimic import library

THEMES = ("light", "dark")


@functools.cache
def environment() -> jinja2.Environment:
    """The templates. Everything that is put into them is escaped; an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        symbols=library(),
        svg=svg,
        words=words,
        sentence=sentence,
        languages=LANGUAGES,
        right=Right,
        catalogue=CATALOGUE,
        alarms=alarms,
        navigation=navigation,
    )
    return made


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One page for one user.

    Attributes:
        url: path and query of the page, for links that come back to it.
        query: the query's first values.
    """

    services: HmiServices
    actor: Actor
    language: str
    theme: str
    url: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def plant(self) -> Plant:
        """The plant."""
        return self.services.plant

    @functools.cached_property
    def tr(self) -> Translate:
        """Into the user's language."""
        return translator(self.language)

    def formats(self, site: Site | None = None) -> Formats:
        """Formats with the time zone of a site, else of the project."""
        return Formats(self.language, site.timezone if site else self.plant.timezone)

    def quantity(self, value: float) -> str:
        """A configured figure with no more decimals than it needs."""
        return self.formats().number(value, 0 if float(value).is_integer() else 1)

    def text(self, texts: Mapping[str, str]) -> str:
        """A text of the project."""
        return self.plant.text(texts, self.language)

    @staticmethod
    def quoted(text: str) -> str:
        """A text as a value of an address."""
        return quote(text, safe="")

    def label(self, definition: TagDefinition) -> str:
        """What a tag is called."""
        return self.text(definition.label) or definition.path.rpartition(".")[2]

    def site(self, path: str) -> Site | None:
        """A site by path."""
        return next((site for site in self.plant.sites if site.path == path), None)

    def live(self) -> Live:
        """A new maker of live places."""
        return Live(self.services.host.tags)

    def render(self, template: str, live: Live, **data: Any) -> Markup:
        """A template's HTML."""
        # Autoescape is on for every template: what comes out is safe.
        text = (
            environment()
            .get_template(template)
            .render(_=self.tr, visit=self, actor=self.actor, plant=self.plant, live=live, **data)
        )
        return Markup(text)  # noqa: S704


Render = Callable[[Live], Awaitable[Markup]]


@dataclass(kw_only=True)
class Fragment:
    """A part of a page that the server makes anew: when what it rests on changes, and every `every_s`.

    Attributes:
        slot: value of data-slot of the element whose content it is.
        tags: indexes of the tags that it rests on.
        alarms: it rests on the alarm board.
        branch: it rests on which tags there are below this path.
        pause_s: it is made at most so often, whatever changes.
        shown: what the page holds; only what differs is sent.
    """

    slot: str
    render: Render
    tags: frozenset[int] = frozenset()
    alarms: bool = False
    branch: str = ""
    every_s: float | None = None
    pause_s: float = 0.0
    due_s: float = 0.0
    not_before_s: float = 0.0
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to a page; without address: a word."""

    name: str
    url: str = ""


@dataclass(kw_only=True)
class View:
    """A page, built.

    Attributes:
        main: HTML of the middle; the shell is put around it.
        sites: whose changes the page shows; the tags that belong to no site always come.
        alarm_list: which alarms the page lists; None: it lists none.
        select: makes the detail panel of a branch (empty: of none), where the page has one.
        selected: the parts of the panel that are made anew.
        opened: the details of alarms that stand open in a list, by path.
        nav: key of the page's entry in `navigation`.
        crumbs: the way to the page, from above; empty: its group and entry in the top bar.
    """

    title: str
    main: Markup
    live: Live
    sites: tuple[str, ...] = ()
    site: Site | None = None
    nav: str = ""
    crumbs: tuple[Crumb, ...] = ()
    fragments: list[Fragment] = field(default_factory=list)
    alarm_list: AlarmFilter | None = None
    select: Callable[[str, Live], Awaitable[Selection]] | None = None
    selected: list[Fragment] = field(default_factory=list)
    opened: dict[str, Fragment] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The detail of a branch: its HTML, and the parts of it that are made anew."""

    main: Markup
    fragments: list[Fragment]
