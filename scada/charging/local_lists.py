"""Local authorization lists (OCPP 1.6 5.10, 5.15): the tokens of a site in its chargers, so that they charge offline.

A site's list has a version that rises with each change. A charger that has an earlier version known here is sent the
difference, any other the whole list; what failed is tried again with back-off, and whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scada.charging.authorization import TAG_LENGTH, TokenBook
from scada.charging.connector_tags import Tags
from scada.charging.ports import Ports, Shelf
from scada.core import moment
from scada.core.command import CommandResult, Outcome
from scada.core.database import TagDatabase
from scada.core.effects import Order
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import ChargingSettings, Plant, Token
from scada.core.records import DocumentRecord
from scada.core.value import GOOD, SECOND_US, TimeUs

OWNER = "local_lists"
USER = "<local list>"
ENTRIES_MAX = 20_000
"""Of a site's list; further tokens are left out, and said."""
KEPT_VERSIONS = 10
"""Earlier versions of a site's list that differences can be made from."""
AT_ONCE = 50
"""Chargers that are being sent a list at the same time; others wait for their turn."""
RETRY_S = (60, 300, 900, 3_600)
"""After the n-th failure; after the last it waits for a change, a new connection, or an operator."""
VERSION_STEP = 1_000
"""From one version of a site to the next: a list that goes out in parts needs a version for each."""
VERSION_MAX = 2_147_483_000
"""The last one that fits into 32 bits; then it begins anew, and chargers are sent whole lists."""

Entries = dict[str, dict[str, str]]
"""id_tag → entry: `id_tag`, `status`, and `parent` and `expires` (RFC 3339) where there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteList:
    """The list of a site."""

    site: str
    version: int
    entries: Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerList:
    """What a charger has.

    Attributes:
        supported: None: it has not told yet.
        version: that it has; 0: none, or not known.
        entries_max: it takes so many; 0: it did not say.
        state: `current`, `sending`, `waiting`, `failed`, `unsupported`, or empty.
        full: the next list is to be a whole one.
        left_out: entries that it has no room for.
    """

    charger: str
    supported: bool | None = None
    version: int = 0
    entries_max: int = 0
    state: str = ""
    sent: int = 0
    full: bool = False
    failures: int = 0
    next_us: TimeUs = 0
    left_out: int = 0
    text: str = ""
    updated_us: TimeUs = 0


@dataclass(slots=True)
class _History:
    now: SiteList
    before: dict[int, Entries] = field(default_factory=dict)


class LocalLists:
    """The lists of all sites and chargers that have them."""

    def __init__(
        self,
        plant: Plant,
        settings: ChargingSettings,
        tokens: TokenBook,
        tags: Tags,
        database: TagDatabase,
        ports: Ports,
        documents: Iterable[DocumentRecord],
    ) -> None:
        documents = list(documents)
        self._tokens, self._tags, self._database, self._ports = tokens, tags, database, ports
        self._sites = {
            site.path: [charger.path for charger in site.chargers]
            for site in plant.sites
            if settings.of(site.path).local_list
        }
        self._site_of = {charger: site for site, chargers in self._sites.items() for charger in chargers}
        self._lists = Shelf("local_list_site", SiteList, ports.record, documents)
        self._chargers = Shelf("local_list", ChargerList, ports.record, documents)
        self._history = {site: _History(one) for site in self._sites if (one := self._lists.get(site))}
        self._sending: set[str] = set()
        self._seen = -1
        self._again_us: TimeUs = 0
        self._due = set(self._site_of)
        """Chargers that may have something to be sent."""

    def restore(self, now_us: TimeUs) -> None:
        """Go on with what an earlier run left: what was under way then is not known."""
        for left in self._chargers.values():
            item = replace(left, state="waiting", full=True) if left.state == "sending" else left
            self._put(item, now_us)

    def all(self) -> list[ChargerList]:
        """What each charger of a site with lists has."""
        return [self._chargers.get(path) or ChargerList(charger=path) for path in self._site_of]

    def of_site(self, site: str) -> SiteList | None:
        """The list of a site."""
        history = self._history.get(site)
        return history.now if history else None

    def told(self, charger: str, data: Mapping[str, Any], now_us: TimeUs) -> None:
        """A charger told what it can and has (event `local_list`)."""
        if charger not in self._site_of:
            return
        item = self._chargers.get(charger) or ChargerList(charger=charger)
        supported = data.get("supported", True) is not False
        version, entries_max = _whole(data.get("version")), _whole(data.get("max"))
        supported = supported and (version is None or version >= 0)
        sending = item.sent if charger in self._sending else None
        item = replace(
            item,
            supported=supported,
            version=item.version if version is None else max(0, version),
            # A version that it did not get from us says nothing of what is in it.
            full=item.full or version not in (None, item.version, 0, sending),
            entries_max=item.entries_max if entries_max is None else max(0, entries_max),
            state="unsupported" if not supported else item.state if charger in self._sending else "waiting",
            failures=0,
            next_us=0,
            updated_us=now_us,
        )
        self._put(item, now_us)
        self._due.add(charger)

    def link_up(self, charger: str) -> None:
        """A charger is back."""
        if charger in self._site_of:
            self._due.add(charger)

    def send_now(self, charger: str, now_us: TimeUs) -> ChargerList:
        """An operator wants the whole list sent now. Raises NotFound, BadRequest."""
        if charger not in self._site_of:
            raise NotFound(f"{charger} is of no site with local lists (local_list in [charging])")
        if charger in self._sending:
            raise BadRequest(f"{charger} is being sent a list now")
        item = self._chargers.get(charger) or ChargerList(charger=charger)
        item = replace(item, supported=True, full=True, version=0, failures=0, next_us=0, state="waiting")
        self._put(item, now_us)
        self._due.add(charger)
        return item

    def second(self, now_us: TimeUs) -> None:
        """Make the lists anew where tokens changed, and send what is to be sent."""
        if not self._sites:
            return
        if self._tokens.changes != self._seen or (self._again_us and now_us >= self._again_us):
            self._seen = self._tokens.changes
            self._make(now_us)
        for charger in sorted(self._due):
            if len(self._sending) >= AT_ONCE:
                return
            self._send(charger, now_us)

    def outcome(self, order: Order, result: CommandResult, now_us: TimeUs) -> None:
        """A charger has taken a list, or not."""
        charger = order.key
        self._sending.discard(charger)
        item = self._chargers.get(charger)
        if item is None:
            return
        self._due.add(charger)
        status = str(result.answer.get("status", ""))
        if result.outcome.ok:
            item = replace(item, version=item.sent, state="current", full=False, failures=0, text="")
        elif status == "NotSupported":
            item = replace(item, supported=False, state="unsupported", text=result.text[:200])
        else:
            refused = result.outcome is Outcome.REFUSED
            wait_s = RETRY_S[min(item.failures, len(RETRY_S) - 1)]
            # A difference that was refused (VersionMismatch, Failed) is followed by the whole list at once.
            at_once = refused and order.arguments.get("update") == "Differential"
            item = replace(
                item,
                full=True,
                failures=item.failures + (not at_once),
                next_us=now_us if at_once else now_us + wait_s * SECOND_US,
                state="waiting" if item.failures < len(RETRY_S) else "failed",
                text=(result.text or result.outcome.value)[:200],
            )
        self._put(replace(item, updated_us=now_us), now_us)

    def _send(self, charger: str, now_us: TimeUs) -> None:
        item = self._chargers.get(charger)
        history = self._history.get(self._site_of[charger])
        if item is None or not item.supported or history is None or charger in self._sending:
            self._due.discard(charger)
            return
        now = history.now
        if item.version == now.version and not item.full:
            self._due.discard(charger)
            if item.state != "current":
                self._put(replace(item, state="current", updated_us=now_us), now_us)
            return
        connectors = self._tags.by_charger[charger]
        if item.failures > len(RETRY_S) or not (connectors and connectors[0].up):
            self._due.discard(charger)  # until it is back, or something changes
            return
        if now_us < item.next_us:
            return
        update, entries, left_out = self._what(item, history)
        self._sending.add(charger)
        self._due.discard(charger)
        item = replace(item, state="sending", sent=now.version, left_out=left_out, updated_us=now_us)
        self._put(item, now_us)
        arguments: dict[str, Any] = {"version": now.version, "update": update, "entries": entries}
        self._ports.order(Order("SendLocalList", charger, arguments, USER, OWNER, charger))

    def _what(self, item: ChargerList, history: _History) -> tuple[str, list[dict[str, str]], int]:
        """(update, entries, how many were left out)."""
        entries = history.now.entries
        before = history.before.get(item.version)
        room = item.entries_max or len(entries)
        if before is not None and not item.full and max(len(before), len(entries)) <= room:
            changed = [entry for id_tag, entry in entries.items() if before.get(id_tag) != entry]
            gone = [{"id_tag": id_tag} for id_tag in before if id_tag not in entries]
            return "Differential", [*changed, *gone], 0
        return "Full", list(entries.values())[:room], max(0, len(entries) - room)

    def _make(self, now_us: TimeUs) -> None:
        """The lists of all sites, with a new version where something changed."""
        known = [one.token for one in self._tokens.all()]
        expiries = [token.expires_us for token in known if token.expires_us and token.expires_us > now_us]
        self._again_us = min(expiries, default=0)
        for site, chargers in self._sites.items():
            entries = entries_of(known, site, now_us)
            history = self._history.get(site)
            if history is not None and history.now.entries == entries:
                continue
            version = VERSION_STEP + (0 if history is None else history.now.version % VERSION_MAX)
            made = SiteList(site=site, version=version, entries=entries)
            if history is None:
                self._history[site] = _History(made)
            else:
                history.before[history.now.version] = history.now.entries
                for old in list(history.before)[:-KEPT_VERSIONS]:
                    del history.before[old]
                history.now = made
            self._lists.put(site, made, now_us)
            for charger in chargers:
                known_charger = self._chargers.get(charger)
                if known_charger is not None and known_charger.failures:
                    self._put(replace(known_charger, failures=0, next_us=0), now_us)
                self._due.add(charger)

    def _put(self, item: ChargerList, now_us: TimeUs) -> None:
        self._chargers.put(item.charger, item, now_us)
        self._show(item, now_us)

    def _show(self, item: ChargerList, now_us: TimeUs) -> None:
        state = item.state
        if item.state == "current" and item.left_out:
            state = f"current, {item.left_out} tokens without room"
        elif item.text and item.state in ("waiting", "failed"):
            state = f"{item.state}: {item.text}"
        batch = [
            (tag, value, GOOD, now_us)
            for name, value in (("LocalListVersion", float(item.version)), ("LocalListState", state))
            if (tag := self._database.get(f"{item.charger}.{name}")) is not None
        ]
        self._database.write(batch, now_us)


def entries_of(tokens: Iterable[Token], site: str, now_us: TimeUs) -> Entries:
    """The tokens of a site as entries of a list: the good ones first, then the blocked ones, bounded."""
    good: Entries = {}
    blocked: Entries = {}
    for token in tokens:
        if token.expires_us is not None and token.expires_us <= now_us:
            continue
        id_tag = token.id_tag[:TAG_LENGTH]
        entry = {"id_tag": id_tag, "status": "Blocked" if token.blocked else "Accepted"}
        if token.parent:
            entry["parent"] = token.parent
        if token.expires_us is not None:
            entry["expires"] = moment.text(token.expires_us)
        if token.blocked:
            blocked[id_tag] = entry
        elif not token.sites or site in token.sites:
            good[id_tag] = entry
    both = {**good, **blocked}
    return dict(list(both.items())[:ENTRIES_MAX])


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
