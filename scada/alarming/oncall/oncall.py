"""On-call as one: what happens → messages and escalations, as records that are journalled with their cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from scada.alarming.alarm import AlarmSnapshot
from scada.alarming.oncall.agenda import Agenda
from scada.alarming.oncall.chatter import QUIET_US, Chatter, Chattering, Held, Reader, Verdict
from scada.alarming.oncall.escalation import Escalation, Escalations, Key
from scada.alarming.oncall.facts import encode, snapshot, standing
from scada.alarming.oncall.notices import Notices
from scada.alarming.oncall.people import People, usual
from scada.alarming.oncall.post import Post, mark, reachable
from scada.alarming.oncall.profiles import Filter, Profiles, Rule
from scada.alarming.oncall.reports import LATE_US_MAX, Timetable
from scada.alarming.oncall.rota import Roster
from scada.core.effects import Event
from scada.core.errors import NotFound
from scada.core.plant import Contact, DutySpan, EscalationStep, Plant
from scada.core.records import (
    AlarmEvent,
    AlarmTransition,
    EscalationRecord,
    OutboxRecord,
    Record,
)
from scada.core.tag import ExpressionText
from scada.core.value import TimeUs

CHATTERING = "chattering"
CHATTER_ENDED = "chatter_ended"
"""Templates."""
_TOLD = frozenset((AlarmEvent.RAISED, AlarmEvent.RETURNED, AlarmEvent.ACKNOWLEDGED, AlarmEvent.UNSHELVED))
_COUNTED = frozenset((AlarmEvent.RAISED.value, AlarmEvent.RETURNED.value))

_Readers = dict[Reader, tuple[Contact, Rule, TimeUs]]
"""Contact, the profile whose template is taken, and how long the message waits for others."""


class OnCall:
    """Decides who is told of what. Its state changes through its calls only; each returns what must be durable.

    Args:
        sender_domain: right side of the Message-IDs.
        make_filter: compiles a profile's filter.
        now_us: begin of this run; for `Plant.oncall.restart_window_us` messages wait for others.
    """

    def __init__(
        self,
        plant: Plant,
        sender_domain: str,
        make_filter: Callable[[ExpressionText], Filter],
        now_us: TimeUs,
    ) -> None:
        self._plant = plant
        self._people = People(plant)
        self._profiles = Profiles(plant, make_filter)
        self._post = Post(plant, sender_domain, now_us)
        self._agenda: Agenda[Key] = Agenda()
        self._escalations = Escalations(self._agenda, self._step)
        self._chatter = Chatter()
        self._notices = Notices(plant, self._people, self._post)
        self._timetables = {report.name: Timetable(report) for report in plant.reports}
        self._newest_us = now_us
        self._started = False
        self._early: dict[str, AlarmTransition] = {}  # what came while the plant came up, before `restore`
        for name in self._timetables:
            self._arm(name, now_us)

    def restore(
        self, escalations: Iterable[EscalationRecord], alarms: Iterable[AlarmSnapshot], now_us: TimeUs
    ) -> list[Record]:
        """Go on with the escalations of an earlier run; called once.

        Steps that came due meanwhile are taken now, once each; what nobody is to be asked about any more ends.
        """
        definitions = self._plant.definitions
        facts = {
            alarm.alarm: standing(alarm, definitions[alarm.alarm])
            for alarm in alarms
            if alarm.alarm in definitions
        }
        for alarm, fact in facts.items():
            if alarm not in self._early:
                self._post.remember(fact)
        facts |= self._early
        self._early.clear()
        self._started = True
        out: list[Record] = []
        for record in escalations:
            rule = self._profiles.by_name.get(record.profile)
            out += self._escalations.resume(record, facts.get(record.alarm), rule, now_us)
        return out

    def transition(self, t: AlarmTransition, now_us: TimeUs) -> list[Record]:
        """An alarm moved: messages to whom its profiles name, and what becomes of its escalation."""
        if not self._started:
            self._early[t.alarm] = t
        chattering = self._chatter.get(t.alarm)
        if chattering is not None:
            chattering.fact = t
        rules: Sequence[Rule] = ()
        messages: list[OutboxRecord] = []
        if t.event in _TOLD and not t.state.suppressed:
            rules = self._profiles.of(t, now_us)
            if rules:
                messages = self._tell(t, rules, now_us)
        # A chattering alarm that goes unanswered is one matter, however often it returns meanwhile.
        return [
            *messages,
            *self._escalations.transition(t, rules, now_us, chattering=t.alarm in self._chatter),
        ]

    def event(self, event: Event, now_us: TimeUs) -> list[Record]:
        """A device did something: messages to whom a notice names, one a contact however many notices do."""
        return [*self._notices.messages(event, now_us)]

    def tick(self, now_us: TimeUs) -> list[Record]:
        """Let time pass: steps, ends of chatter, timed reports. Where nothing is due it costs one comparison."""
        if now_us < self._newest_us:
            # The clock was put back: reports that were told for later are not told again, but those between are due.
            for name in self._timetables:
                self._arm(name, now_us)
        self._newest_us = now_us
        out: list[Record] = []
        while (due := self._agenda.pop(now_us)) is not None:
            (kind, name, profile), due_us = due
            if kind == "step":
                out += self._escalations.due(name, profile, now_us)
            elif kind == "chatter":
                out += self._quiet(name, now_us)
            else:
                out += self._report(name, due_us, now_us)
        return out

    def message(
        self,
        to: Sequence[str],
        template: str,
        snapshot: Mapping[str, object],
        now_us: TimeUs,
        *,
        urgent: bool = False,
        profile: str = "",
    ) -> list[OutboxRecord]:
        """A message of somebody else's (an action, a test) to contacts, teams and rotas, each person once.

        Args:
            urgent: goes past quiet hours and limits of number.
        """
        name = f"message.{self._post.unique(now_us)}"
        text = encode(snapshot)
        return [
            self._post.other(
                contact,
                channel,
                name=name,
                template=template,
                snapshot=text,
                profile=profile,
                urgent=urgent,
                now_us=now_us,
            )
            for contact in self._people.resolve(to, now_us)
            for channel in usual(contact)
        ]

    def duties(self, now_us: TimeUs) -> dict[str, tuple[str, ...]]:
        """Rota → names of the contacts who are on duty now."""
        return {
            name: tuple(contact.name for contact in self._people.resolve((name,), now_us))
            for name in self._people.rosters
        }

    def duty_spans(self, rota: str, from_us: TimeUs, to_us: TimeUs) -> list[DutySpan]:
        """Who is on duty from when to when (contacts or teams, as the rota names them); the spans tile the stretch.

        Raises:
            NotFound: there is no such rota.
            BadRequest: the stretch is longer than 800 days, or ends before it begins.
        """
        return self._roster(rota).spans(from_us, to_us)

    def set_calendar(self, rota: str, spans: Sequence[DutySpan]) -> None:
        """Put the entries of a rota's calendar file in; they outrank its shifts, not its overrides.

        Raises:
            NotFound: there is no such rota.
        """
        self._roster(rota).set_calendar(spans)

    def _roster(self, rota: str) -> Roster:
        roster = self._people.rosters.get(rota)
        if roster is None:
            raise NotFound(f"there is no rota {rota}")
        return roster

    def _tell(self, t: AlarmTransition, rules: Sequence[Rule], now_us: TimeUs) -> list[OutboxRecord]:
        verdict = self._chatter.note(t, now_us)
        if verdict is Verdict.BEGINS:
            return self._tell_chattering(t, rules, now_us)
        told = [rule for rule in rules if t.event.value in rule.profile.states]
        readers = self._readers(t.alarm, told, now_us)
        if verdict is Verdict.HOLD:
            chattering = self._chatter.get(t.alarm)
            assert chattering is not None
            for reader, (_, rule, window_us) in readers.items():
                chattering.held.setdefault(reader, Held(rule.profile.name, window_us)).count += 1
            return []
        text = snapshot(t)
        return [
            self._post.alarm(
                contact,
                channel,
                t,
                name="",
                template=rule.profile.template,
                snapshot=text,
                profile=rule.profile.name,
                window_us=window_us,
                now_us=now_us,
            )
            for (_, channel), (contact, rule, window_us) in readers.items()
        ]

    def _tell_chattering(
        self, t: AlarmTransition, rules: Sequence[Rule], now_us: TimeUs
    ) -> list[OutboxRecord]:
        """Everybody who would hear of its coming or going is told that it chatters."""
        chattering = self._chatter.get(t.alarm)
        assert chattering is not None
        self._agenda.set(("chatter", t.alarm, ""), now_us + QUIET_US)
        told = [rule for rule in rules if not _COUNTED.isdisjoint(rule.profile.states)]
        out = []
        text = snapshot(t, {"chattering": True, "since_us": chattering.since_us, "held_back": 0})
        for reader, (contact, rule, window_us) in self._readers(t.alarm, told, now_us).items():
            chattering.held[reader] = Held(rule.profile.name, window_us)
            out.append(
                self._post.alarm(
                    contact,
                    reader[1],
                    t,
                    name=f"{CHATTERING}.{t.sequence}",
                    template=CHATTERING,
                    snapshot=text,
                    profile=rule.profile.name,
                    window_us=window_us,
                    now_us=now_us,
                )
            )
        return out

    def _quiet(self, alarm: str, now_us: TimeUs) -> list[Record]:
        """The end of a chatter, unless the alarm moved meanwhile."""
        chattering = self._chatter.get(alarm)
        if chattering is None:
            return []
        if chattering.last_us + QUIET_US > now_us:
            self._agenda.set(("chatter", alarm, ""), chattering.last_us + QUIET_US)
            return []
        self._chatter.end(alarm)
        out: list[Record] = []
        if not chattering.fact.state.suppressed:
            out += self._tell_chatter_ended(chattering, now_us)
        return [*out, *self._escalations.calm(alarm)]

    def _tell_chatter_ended(self, chattering: Chattering, now_us: TimeUs) -> list[OutboxRecord]:
        out = []
        for (name, channel), held in chattering.held.items():
            more = {"chattering": False, "since_us": chattering.since_us, "held_back": held.count}
            out.append(
                self._post.alarm(
                    self._people.contacts[name],
                    channel,
                    chattering.fact,
                    name=f"{CHATTER_ENDED}.{chattering.since_us}",
                    raised_us=chattering.raised_us,
                    template=CHATTER_ENDED,
                    snapshot=snapshot(chattering.fact, more),
                    profile=held.profile,
                    window_us=held.window_us,
                    now_us=now_us,
                )
            )
        return out

    def _step(self, one: Escalation, step: EscalationStep, now_us: TimeUs) -> list[OutboxRecord]:
        """The messages of a step, to whoever is on duty when it is taken."""
        profile = one.profile
        more = {
            "step": one.step,
            "steps": one.steps,
            "repeat": max(0, one.step - len(profile.steps)),
            "since_us": one.since_us,
            "profile": profile.name,
            "chattering": one.fact.alarm in self._chatter,
        }
        text = snapshot(one.fact, more)
        return [
            self._post.alarm(
                contact,
                channel,
                one.fact,
                name=f"step{one.step}.{one.since_us}.{mark(profile.name)}",
                template=step.template,
                snapshot=text,
                profile=profile.name,
                window_us=profile.window_us,
                now_us=now_us,
            )
            for contact in self._people.resolve(step.to, now_us)
            for channel in reachable(one.fact.alarm, contact, step.channels)
        ]

    def _readers(self, alarm: str, rules: Iterable[Rule], now_us: TimeUs) -> _Readers:
        """Who is told and how, each once; of several profiles that name somebody the first decides the template."""
        readers: _Readers = {}
        for rule in rules:
            for contact in self._people.resolve(rule.profile.to, now_us):
                for channel in reachable(alarm, contact, rule.profile.channels):
                    window_us = rule.profile.window_us
                    _, first, shortest_us = readers.get((contact.name, channel), (contact, rule, window_us))
                    readers[contact.name, channel] = (contact, first, min(shortest_us, window_us))
        return readers

    def _report(self, name: str, due_us: TimeUs, now_us: TimeUs) -> list[OutboxRecord]:
        timetable = self._timetables[name]
        late = now_us - due_us >= LATE_US_MAX
        if not late:
            timetable.done(due_us)
        self._arm(name, now_us)
        if late:
            return []
        report = timetable.report
        facts = {
            "kind": "report",
            "report": name,
            "site": report.site,
            "time_us": due_us,
            "from_us": timetable.before_us(due_us),
        }
        return [
            self._post.other(
                contact,
                channel,
                name=f"report.{mark(name)}.{due_us}",
                template=report.template,
                snapshot=encode(facts),
                profile=name,
                now_us=now_us,
            )
            for contact in self._people.resolve(report.to, now_us)
            for channel in usual(contact)
        ]

    def _arm(self, report: str, now_us: TimeUs) -> None:
        due_us = self._timetables[report].next_us(now_us)
        if due_us is not None:
            self._agenda.set(("report", report, ""), due_us)
