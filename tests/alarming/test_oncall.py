"""Who is mailed: nobody is forgotten for his name, and nobody hears of the mail path by mail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scada.alarming.oncall import OnCall
from scada.core.plant import Contact, OnCallProfile, Plant
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, OutboxRecord

TIME_US = 1_795_259_056_789_000
CONTACTS = st.lists(
    st.builds(Contact, name=st.text(min_size=1), email=st.text(min_size=1), language=st.just("en")),
    min_size=1,
    max_size=8,
    unique_by=lambda contact: contact.name,
)


def transition(alarm: str = "Depot.CP01.Online", event: AlarmEvent = AlarmEvent.RAISED) -> AlarmTransition:
    later = 0 if event is AlarmEvent.RAISED else 1_000_000
    return AlarmTransition(
        sequence=7 + bool(later), time_us=TIME_US + later, alarm=alarm, site="Depot", level=20, event=event,
        state=AlarmState.ACTIVE_UNACKNOWLEDGED, raised_us=TIME_US, value="false", user="", origin="", comment="",
    )  # fmt: skip


def on_call(contacts: list[Contact]) -> OnCall:
    profile = OnCallProfile(
        name="all",
        contacts=tuple(contact.name for contact in contacts),
        levels=(0, 29),
        states=("raised", "returned"),
    )
    plant = Plant(
        name="P", label={}, languages=("en",), timezone="UTC", sites=(), tags=(), levels=(),
        contacts=tuple(contacts), profiles=(profile,),
    )  # fmt: skip
    return OnCall(plant, "depot.example")


def people(*names: str) -> list[Contact]:
    return [Contact(name=name, email="duty@example.org", language="en") for name in names]


def ids(mails: list[OutboxRecord]) -> set[str]:
    return {mail.message_id for mail in mails}


def test_two_people_in_other_letters_are_two() -> None:
    for names in (("王伟", "李娜"), ("Zoë", "Zoé"), ("A B", "A_B")):
        assert len(ids(on_call(people(*names)).mails(transition()))) == 2


@given(contacts=CONTACTS)
def test_each_contact_has_ids_of_his_own(contacts: list[Contact]) -> None:
    service = on_call(contacts)
    mails = service.mails(transition()) + service.mails(transition(event=AlarmEvent.RETURNED))
    assert len(ids(mails)) == 2 * len(contacts)
    assert all(mail.message_id.isascii() and mail.message_id.isprintable() for mail in mails)


@given(contacts=CONTACTS)
def test_after_a_restart_the_conversation_goes_on(contacts: list[Contact]) -> None:
    heads = {mail.contact: mail.message_id for mail in on_call(contacts).mails(transition())}
    # Another order in the project's file does not part a conversation either.
    later = on_call(contacts[::-1]).mails(transition(event=AlarmEvent.RETURNED))
    assert {mail.contact: mail.thread_id for mail in later} == heads


def test_the_alarm_about_the_mail_path_is_not_mailed() -> None:
    service = on_call(people("Ann"))
    for event in AlarmEvent:
        assert service.mails(transition("System.MailOk", event)) == []
    assert service.mails(transition("System.JournalOk")) != []
