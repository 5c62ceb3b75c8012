"""People in a project's files: what is written becomes the plant, each mistake is told with its place."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from scada import resources
from scada.core.plant import DutySpan, QuietHours
from scada.core.records import Channel
from scada.core.value import SECOND_US
from scada.project.files import Reader
from scada.project.oncall_build import oncall_parts
from scada.project.oncall_checks import check_oncall
from scada.project.oncall_schema import OnCallSection, ShiftSection
from scada.project.schema import ProjectFile

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
BASE = """
[project]
name = "P"
timezone = "Europe/Paris"
[mail]
host = "mail.example"
sender = "scada@site.example"
[[sites]]
tag = "Depot"
limit_a = 100
[[contacts]]
name = "Ann"
email = "ann@site.example"
[[contacts]]
name = "Bob"
email = "bob@site.example"
sms = "1@sms.example"
[[contacts]]
name = "Voice"
webhook = "https://voice.example/call"
webhook_secret_ref = "env:VOICE"
[[teams]]
name = "Team"
contacts = ["Ann", "Bob"]
[[rotas]]
name = "Duty"
shifts = [{ who = ["Ann", "Bob"], rotate = true, from_date = "2026-01-05" }]
[[oncall]]
name = "all"
to = ["Duty"]
"""


def project(text: str, base: str = BASE) -> ProjectFile:
    return ProjectFile.model_validate(tomllib.loads(base + text))


def mistakes(directory: Path, text: str, base: str = BASE, now: datetime = NOW) -> list[str]:
    reader = Reader(directory)
    check_oncall(reader, project(text, base), now)
    return [str(problem) for problem in reader.problems]


def parts(text: str) -> dict[str, Any]:
    return oncall_parts(project(text))


def test_the_model_projects_are_right(tmp_path: Path) -> None:
    folder = resources.folder("project_template")
    assert mistakes(tmp_path, (folder / "project.toml").read_text(), base="") == []
    assert mistakes(tmp_path, (folder / "project.real.toml").read_text(), base="") == []


def test_the_commented_example_of_a_real_project_is_right_too(tmp_path: Path) -> None:
    text = (resources.folder("project_template") / "project.real.toml").read_text()
    begin, end = text.index("# [[contacts]]"), text.index("# Any key of a standard alarm")
    example = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text[begin:end], flags=re.MULTILINE)
    base = BASE[: BASE.index("[[contacts]]")]
    assert mistakes(tmp_path, example, base) == []
    made = oncall_parts(project(example, base))
    assert [len(made[key]) for key in ("contacts", "teams", "rotas", "profiles", "reports", "notices")] == [
        2, 1, 1, 1, 2, 1,
    ]  # fmt: skip


def test_what_is_written_becomes_the_plant(tmp_path: Path) -> None:
    text = """
[[contacts]]
name = "Night"
email = "night@site.example"
timezone = "America/New_York"
quiet_hours = "22:00-06:30"
quiet_below = 20
per_hour = 5
[[rotas]]
name = "Office"
fallback = "Team"
holidays = [2026-12-25, "2027-01-01"]
[[rotas.shifts]]
days = "mon-fri"
from = 08:00:00
to = "24:00"
who = "Ann"
holidays = false
[[rotas.overrides]]
from = "2026-07-01T08:00"
to = 2026-07-02T08:00:00
who = "Bob"
reason = "leave"
[[oncall]]
name = "night"
contacts = ["Office", "Night"]
level_min = 10
states = ["raised", "unshelved"]
domains = ["charging"]
filter = "alarm.level > 3"
channels = ["email"]
window_s = 0
repeat_s = 60
repeat_max = 3
[[oncall.steps]]
after_s = 600
to = "Bob"
channels = ["email", "sms"]
[[reports]]
at = "07:30"
days = "sat, sun"
to = "Team"
site = "Depot"
[[notices]]
event = "boot"
to = "Ann"
sites = ["Depot"]
[oncall_settings]
public_url = "https://scada.site.example/"
link_valid_h = 0.5
restart_window_s = 0
[[mail.relays]]
host = "second.example"
port = 465
security = "tls"
username = "u"
password_ref = "env:P"
auth = "xoauth2"
"""
    assert mistakes(tmp_path, text) == []
    made = parts(text)
    night = made["contacts"][3]
    assert (night.timezone, night.per_hour) == ("America/New_York", 5)
    assert night.quiet == QuietHours(begin_min=1320, end_min=390, below_level=20)
    assert made["contacts"][0].timezone == "Europe/Paris"
    office = made["rotas"][1]
    assert office.overrides == (
        DutySpan(
            begin_us=int(datetime(2026, 7, 1, 6, tzinfo=UTC).timestamp()) * SECOND_US,
            end_us=int(datetime(2026, 7, 2, 6, tzinfo=UTC).timestamp()) * SECOND_US,
            who=("Bob",),
            reason="leave",
        ),
    )
    (shift,) = office.shifts
    assert (shift.days, shift.begin_min, shift.end_min, shift.holidays) == ((0, 1, 2, 3, 4), 480, 1440, False)
    assert office.holidays == ("2026-12-25", "2027-01-01")
    profile = made["profiles"][1]
    assert (profile.to, profile.levels, profile.window_us) == (("Office", "Night"), (10, 29), 0)
    assert profile.filter.place == "project.toml|oncall[1].filter"
    assert profile.steps[0].channels == (Channel.EMAIL, Channel.SMS)
    assert (made["reports"][0].name, made["reports"][0].days) == ("report 07:30", (5, 6))
    assert made["notices"][0].name == "boot"
    assert made["oncall"].public_url == "https://scada.site.example"
    assert made["oncall"].link_valid_us == 1800 * SECOND_US
    assert [(relay.host, relay.auth) for relay in made["mail"].relays] == [
        ("mail.example", "password"), ("second.example", "xoauth2"),
    ]  # fmt: skip


SHIFT = '[[rotas]]\nname = "R"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[teams]]\nname = "T"\ncontacts = ["Anne"]', "teams[1].contacts[0]: there is no contact 'Anne' (did you mean 'Ann'?)"),
        ('[[oncall]]\nname = "x"\nto = ["Teem"]', "oncall[1].to[0]: there is no contact, team or rota 'Teem' (did you mean 'Team'?)"),
        ('[[oncall]]\nname = "x"\nto = "Ann"\nsites = ["Depo"]', "oncall[1].sites[0]: there is no site 'Depo'"),
        ('[[oncall]]\nname = "all"\nto = "Ann"', "oncall[1].name: the profile 'all' stands already at oncall[0].name"),
        ('[[oncall]]\nname = "x"\nto = "Ann"\nlevel_min = 9\nlevel_max = 8', "oncall[1].level_min: is above level_max"),
        ('[[oncall]]\nname = "x"\nto = "Ann"\nstates = []', "oncall[1].states: is empty, and there are no steps"),
        ('[[oncall]]\nname = "x"\nto = "Ann"\nrepeat_s = 60', "oncall[1].repeat_s: repeats the last step, and there are no"),
        ('[[oncall]]\nname = "x"\nto = "Voice"', "oncall[1].to[0]: 'Voice' is to be told by email and has none"),
        ('[[oncall]]\nname = "x"\nto = "Duty"\nchannels = ["sms"]', "oncall[1].to[0]: 'Ann' (by 'Duty') is to be told by sms"),
        (
            '[[oncall]]\nname = "x"\nto = "Ann"\nsteps = [{ after_s = 60, to = "Ann" }, { after_s = 60, to = "Bob" }]',
            "oncall[1].steps[1].after_s: steps stand in the order of time",
        ),
        ('[[oncall]]\nname = "x"\nto = "Ann"\nsteps = [{ after_s = 60, to = "Eve" }]', "oncall[1].steps[0].to[0]: there is no"),
        ('[[teams]]\nname = "Ann"\ncontacts = ["Bob"]', "teams[1].name: 'Ann' is already a contact, at contacts[0].name"),
        ('[[contacts]]\nname = "Ann"\nemail = "a@b.example"', "contacts[3].name: the contact 'Ann' stands already at contacts[0]"),
        ('[[contacts]]\nname = "Eve"', "contacts[3]: 'Eve' cannot be reached"),
        ('[[contacts]]\nname = "Eve"\nwebhook = "https://x.example"', "contacts[3].webhook_secret_ref: is needed"),
        ('[[contacts]]\nname = "E"\nemail = "a@b.example"\nquiet_hours = "00:00-24:00"', "contacts[3].quiet_hours: begins where"),
        ('[[contacts]]\nname = "E"\nemail = "a@b.example"\nquiet_below = 3', "contacts[3].quiet_below: means nothing"),
        ('[[reports]]\nat = "07:00"\nto = "Eve"', "reports[0].to[0]: there is no contact, team or rota 'Eve'"),
        ('[[reports]]\nat = "07:00"\nto = "Ann"\nsite = "X"', "reports[0].site[0]: there is no site 'X'"),
        ('[[notices]]\nevent = "boot"\nto = "Eve"', "notices[0].to[0]: there is no contact, team or rota 'Eve'"),
        (SHIFT + 'shifts = [{ who = "Duty" }]', "rotas[1].shifts[0].who[0]: there is no contact or team 'Duty'"),
        (SHIFT + 'fallback = "Eve"', "rotas[1].fallback[0]: there is no contact or team 'Eve'"),
        (SHIFT, "rotas[1]: nobody is on duty from Wednesday 2026-06-03 14:00"),
        (SHIFT + 'shifts = [{ days = "mon-fri", who = "Ann" }]', "rotas[1]: nobody is on duty from Saturday 2026-06-06 00:00"),
        (SHIFT + 'shifts = [{ from = "08:00", to = "07:59", who = "Ann" }]', "rotas[1]: nobody is on duty from Thursday 2026-06-04 07:59"),
        (SHIFT + 'shifts = [{ to_date = "2027-03-31", who = "Ann" }]', "rotas[1]: nobody is on duty from Thursday 2027-04-01 00:00"),
        (
            SHIFT + 'holidays = ["2028-05-01"]\nshifts = [{ holidays = false, who = "Ann" }]',
            "rotas[1]: nobody is on duty from Monday 2028-05-01 00:00",
        ),
        (SHIFT + 'shifts = [{ who = "Ann" }, { days = "sun", who = "Bob" }]', "rotas[1].shifts[1]: can never hold: the shifts before"),
        (SHIFT + 'shifts = [{ holidays = true, who = "Ann" }, { who = "Bob" }]', "rotas[1].shifts[0].holidays: can never hold"),
        (
            SHIFT + 'fallback = "Ann"\nshifts = [{ from_date = "2026-02-02", to_date = "2026-02-01", who = "Ann" }]',
            "rotas[1].shifts[0].to_date: ends before it begins",
        ),
        (SHIFT + 'shifts = [{ who = "Ann", rotate = true }]', "rotas[1].shifts[0].rotate: nobody to take turns with"),
        (
            SHIFT + 'fallback = "Ann"\noverrides = [{ from = "2026-07-01T08:00", to = "2026-07-01T08:00", who = "Bob" }]',
            "rotas[1].overrides[0].to: ends before it begins",
        ),
        (SHIFT + 'fallback = "Ann"\ncalendar = "../x.ics"', "rotas[1].calendar: is a file of the project"),
        (SHIFT + 'fallback = "Ann"\ncalendar = "no.ics"', "no.ics: the file is missing"),
        ('[[mail.relays]]\nhost = "x.example"\nauth = "xoauth2"', "mail.relays[0].auth: xoauth2 needs username"),
        ('[[mail.relays]]\nhost = "x.example"\nusername = "u"', "mail.relays[0].username: username and password_ref belong"),
        (
            '[[mail.relays]]\nhost = "x.example"\nusername = "u"\npassword_ref = "env:P"\nsecurity = "none"',
            "mail.relays[0].security: a password would cross the network in clear",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (problem,) = mistakes(tmp_path, text)
    assert problem.removeprefix("project.toml: ").startswith(told)


def test_a_calendar_names_its_own_mistakes(tmp_path: Path) -> None:
    (tmp_path / "duty.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:7\nDTSTART:20260601T080000\n"
        "DTEND:20260601T180000\nSUMMARY:Eve\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (problem,) = mistakes(tmp_path, SHIFT + 'fallback = "Ann"\ncalendar = "duty.ics"')
    assert problem.startswith("duty.ics:5: event 7: the summary 'Eve' names no contact or team")


def test_mail_needs_a_server_and_a_sender(tmp_path: Path) -> None:
    base = BASE.replace('host = "mail.example"\n', "")
    assert mistakes(tmp_path, "", base)[0].startswith("project.toml: mail.host: is needed")
    base = BASE.replace('sender = "scada@site.example"\n', "")
    assert mistakes(tmp_path, "", base)[0].startswith("project.toml: mail.sender: is needed")


def test_what_was_right_once_stays_right(tmp_path: Path) -> None:
    """A start must not fail one morning because a shift or an override of the files lies in the past."""
    text = SHIFT + (
        'holidays = ["2026-07-14"]\n'
        'overrides = [{ from = "2026-07-01T08:00", to = "2026-07-02T08:00", who = "Bob" }]\n'
        'shifts = [{ holidays = true, who = "Bob" }, { to_date = "2026-12-31", who = "Ann" }, '
        '{ from_date = "2027-01-01", who = "Bob" }]'
    )
    for days in (0, 30, 100, 211, 212, 400, 3000):
        assert mistakes(tmp_path, text, now=NOW + timedelta(days=days)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("days", "mon-fry"), ("days", ""), ("days", []), ("days", 3), ("from", "8"), ("from", "24:00"), ("from", "12:60"),
        ("to", "24:01"), ("to", None), ("from_date", "2026-02-30"), ("from_date", "1026-02-03"), ("who", []), ("who", None),
    ],
)  # fmt: skip
def test_a_shift_that_cannot_be_read(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        ShiftSection.model_validate({"who": "Ann", key: value})
    assert error.value.errors()[0]["loc"][0] == key


@pytest.mark.parametrize(
    ("days", "numbers"),
    [("mon-fri", (0, 1, 2, 3, 4)), ("fri-mon", (0, 4, 5, 6)), ("sat, sun", (5, 6)), (["wed", "mon-tue"], (0, 1, 2)), ("daily", tuple(range(7)))],
)  # fmt: skip
def test_days_are_written_as_people_write_them(days: object, numbers: tuple[int, ...]) -> None:
    assert ShiftSection.model_validate({"who": "Ann", "days": days}).days == numbers


@pytest.mark.parametrize("template", ["../alarm", "Alarm", "", "a b", "a" * 51])
def test_a_template_is_a_plain_name(template: str) -> None:
    with pytest.raises(ValidationError):
        OnCallSection.model_validate({"name": "x", "to": "Ann", "template": template})


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "https://", "https://u:p@x.example", "https://x .example", "x.example"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValidationError):
        project(f'[oncall_settings]\npublic_url = "{url}"')
