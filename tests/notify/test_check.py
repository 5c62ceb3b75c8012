"""Mistakes in a project's templates are found when it is loaded, with file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scada.core.plant import EscalationStep, EventNotice, OnCallProfile, Plant, Report
from scada.notify import check_templates


def check(plant: Plant, helpers: Any, folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return [str(problem) for problem in check_templates([folder, helpers.templates], plant)]


def test_the_shipped_templates_hold_no_mistake(plant: Plant, helpers: Any, tmp_path: Path) -> None:
    for file in helpers.templates.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert check(plant, helpers, tmp_path) == []
    assert check_templates([tmp_path / "nowhere", helpers.templates], plant) == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("alarm__txt", "one\n{% if %}", "mail/alarm.txt:2: Expected an expression, got 'end of statement block'"),
        ("alarm__txt", "one\n\n{{ mesage }}", "mail/alarm.txt:3: 'mesage' is no fact of a message (did you mean 'message'?)"),
        ("alarm__fr__txt", "{% if user %}\n{{ usr }}{% endif %}", "mail/alarm.fr.txt:2: 'usr' is no fact of a message (did you mean 'user'?)"),
        ("alarm__txt", "{{ sites }}", "mail/alarm.txt:1: 'sites' is no fact of a message"),
        ("report__txt", "{{ guidance }}", "mail/report.txt:1: 'guidance' is no fact of a message"),
        ("alarm__html", "<p>\n{{ w.raisd }}</p>", "mail/alarm.html:2: there is no word 'raisd' in words.en.toml (did you mean 'raised'?)"),
        ("alarm__txt", "{{ tag('Depot.Powr') }}", "mail/alarm.txt:1: there is no tag 'Depot.Powr' (did you mean 'Depot.Power'?)"),
        ("alarm__txt", "\n{{ value('Depot.Nope.X') }}", "mail/alarm.txt:2: there is no tag 'Depot.Nope.X'"),
        ("alarm__txt", "\n\n{{ level / 0 }}", "mail/alarm.txt:3: cannot be rendered with the facts of 'alarm' in 'en': division by zero"),
        ("alarm__txt", "{{ ''.__class__.__mro__ }}", "mail/alarm.txt:1: cannot be rendered with the facts of 'alarm' in 'en': access to attribute"),
        ("several__txt", "{% for one in alarms %}\n{{ one.messag }}{% endfor %}", "mail/several.txt:2: cannot be rendered with the facts of 'several' in 'en': 'dict object' has no attribute 'messag'"),
        ("alarm__html", "{% extends 'bse.html' %}", "mail/alarm.html: there is no file 'bse.html'"),
        ("alarm__txt", "{% extends 'alarm.txt' %}", "mail/alarm.txt:1: cannot be rendered with the facts of 'alarm' in 'en': maximum recursion"),
        ("alarm__htm", "x", "mail/alarm.htm: is no template: a name is NAME.PART"),
        ("words__fr__toml", "a = 1\nb = \n", "mail/words.fr.toml:2: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    plant: Plant, helpers: Any, tmp_path: Path, file: str, text: str, problem: str
) -> None:
    found = check(plant, helpers, tmp_path, **{file: text})
    assert len(found) == 1
    assert found[0].startswith(problem), found[0]


@pytest.mark.parametrize(
    "text",
    [
        "{{ message }} {{ tag('Depot.Power') }} {{ value('Depot.Power') + 1 }} {{ value }} {{ held_back }} {{ ack_url }}",
        "{% set x = level %}{{ x }} {% for n in range(3) %}{{ loop.index }}{% endfor %}",
        "{{ tag(device_path ~ '.Nowhere') }} {{ domain }} {{ nature }} {{ step }} {{ since }} {{ page_url }}",
        "{% extends 'shipped/alarm.txt' %}{% block head %}{{ w.heads[event] }}{% endblock %}",
    ],
)
def test_what_is_right_is_no_mistake(plant: Plant, helpers: Any, tmp_path: Path, text: str) -> None:
    assert check(plant, helpers, tmp_path, alarm__txt=text) == []


def test_html_may_use_what_its_frame_sets(plant: Plant, helpers: Any, tmp_path: Path) -> None:
    text = (
        '{% extends "base.html" %}{% import "parts.html" as p with context %}'
        "{% block content %}{{ colours.high }}{{ p.row(w.time, time) }}{% endblock %}"
    )
    assert check(plant, helpers, tmp_path, alarm__html=text, README__md="{{ nothing }}") == []


def test_a_template_that_is_named_must_be_there(plant: Plant, helpers: Any, tmp_path: Path) -> None:
    plant = replace(
        plant,
        profiles=(
            OnCallProfile(
                name="all",
                to=("Ann",),
                levels=(0, 29),
                template="alrm",
                steps=(EscalationStep(after_us=1, to=("Ann",), template="boss"),),
            ),
        ),
        reports=(Report(name="Daily", to=("Ann",), at_min=420, timezone="UTC", template="mine"),),
        notices=(EventNotice(name="Boot", to=("Ann",), event="boot", template="booted"),),
    )
    assert check(plant, helpers, tmp_path, boss__fr__txt="{{ step }}") == [
        "mail: profile 'all': there is no template 'alrm' (did you mean 'alarm'?)",
        "mail: report 'Daily': there is no template 'mine'",
        "mail: notice 'Boot': there is no template 'booted'",
    ]
    # A template is tried with the facts that those who name it give it.
    found = check(plant, helpers, tmp_path, mine__txt="{{ sites[0].label }}", booted__txt="{{ message }}")
    assert len(found) == 2
    assert found[1].startswith("mail/booted.txt:1: 'message' is no fact of a message")
