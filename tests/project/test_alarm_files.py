"""What a project says about alarms: its own catalogue, levels, masks, syntheses, actions and roles."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.access import Right
from scada.core.errors import ProjectError
from scada.core.tag import Condition
from scada.core.value import SECOND_US, Kind
from scada.project import load


def add(project: Path, file: str, content: str) -> None:
    """Append to a file of the project."""
    path = project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + content)


def problems(project: Path) -> list[str]:
    """What the check says."""
    with pytest.raises(ProjectError) as error:
        load(project)
    return [str(one) for one in error.value.problems]


def test_everything_an_integrator_may_say_of_alarms_arrives_in_the_plant(project: Path) -> None:
    add(
        project,
        "alarms.toml",
        """
[too_full]
level = 21
acknowledge_level = 15
mask_level = 25
latching = true
domain = "energy"
message = { en = "Too full", fr = "Trop plein" }
""",
    )
    add(
        project,
        "device_types/own.toml",
        """
[templates.site.Fill]
kind = "register"
unit = "%"
low = 0
high = 200
offset = -2.5
deadband = "1 %"
watchdog_s = 600
retain = true
record = { deadband = "5 %", every_s = 0, retention = "long" }
write = { low = 0, high = 90, right = "maintain", confirm = true }
label = { en = "Fill", fr = "Remplissage" }
thresholds = [
  { name = "Hi", condition = "high", limit_tag = "site.CurrentLimit", on_delay_s = 5, alarm = "too_full", level = 26 },
  { name = "Fast", condition = "rate", limit = 3 },
  { name = "Far", condition = "deviation", limit = 3, reference = "site.ChargingPower" },
  { name = "Old", condition = "stale", limit = 30 },
]
""",
    )
    add(
        project,
        "project.toml",
        """
[roles.night]
rights = ["see", "acknowledge"]
see_levels = [10, 29]
acknowledge_levels = [10, 20]
sites = ["Depot"]
domains = ["energy"]

[[masks]]
name = "night"
of = "connector"
select = "this.Temperature.Hi"
when = 'time_between("22:00", "06:00")'
reason = { en = "Night", fr = "Nuit" }

[[syntheses]]
tag = "Depot.Serious"
filter = 'alarm.site == "Depot" and alarm.level >= 20 and alarm.active'
label = { en = "Serious alarms", fr = "Alarmes sérieuses" }
""",
    )
    add(
        project,
        "actions.toml",
        """
[[actions]]
name = "closed"
of = "charger"
on = "boot"
when = "this.Offline == false"
steps = [
  { condition = "site.SessionsActive < 5" },
  { command = "Reset", target = "this", arguments = { type = "Soft" } },
  { delay_s = 2.5 },
  { write = "site.Note", value = '"booted"' },
]
""",
    )
    plant = load(project)
    fill = plant.definitions["Depot.Fill"]
    assert (fill.offset, fill.deadband, fill.watchdog_us, fill.retain) == (-2.5, 2.0, 600 * SECOND_US, True)
    assert fill.history is not None
    assert (fill.history.deadband, fill.history.retention) == (10.0, "long")
    assert fill.write is not None
    assert (fill.write.low, fill.write.high, fill.write.right, fill.write.confirm) == (
        0,
        90,
        "maintain",
        True,
    )
    conditions = {one.name: one.condition for one in fill.thresholds}
    assert conditions == {
        "Hi": Condition.HIGH,
        "Fast": Condition.RATE,
        "Far": Condition.DEVIATION,
        "Old": Condition.STALE,
    }
    assert fill.thresholds[0].limit_tag == "Depot.CurrentLimit"
    bit = plant.definitions["Depot.Fill.Hi"]
    assert bit.alarm is not None
    assert (bit.alarm.level, bit.alarm.level_to_acknowledge, bit.alarm.level_to_mask) == (26, 15, 25)
    assert bit.alarm.latching
    assert bit.domain == "energy"
    assert "System.Alarms.Domain.energy.Active" in plant.definitions
    assert "Depot.CP01.C1.Alarms.Shelved" in plant.definitions
    night = plant.roles["night"]
    assert night.rights == {Right.SEE, Right.ACKNOWLEDGE}
    assert night.sees(12, "Depot", "energy")
    assert not night.sees(9, "Depot", "energy")
    assert not night.sees(12, "Depot", "safety")
    masks = [mask for mask in plant.masks if mask.name.startswith("night")]
    assert len(masks) == 12
    assert masks[0].select == "Depot.CP01.C1.Temperature.Hi"
    assert plant.definitions["Depot.Serious"].kind is Kind.REGISTER
    action = next(one for one in plant.actions if one.place == "Depot.CP03")
    assert action.name == "closed Depot.CP03"
    assert [step.target or step.write for step in action.steps] == ["", "Depot.CP03", "", "Depot.Note"]


@pytest.mark.parametrize("depth", ["sites", "devices", "connectors"])
def test_counters_go_as_deep_as_the_project_says(project: Path, depth: str) -> None:
    file = project / "project.toml"
    file.write_text(file.read_text().replace("[project]\n", f'[project]\nalarm_counters = "{depth}"\n'))
    paths = load(project).definitions
    assert "System.Alarms.Active" in paths
    assert "System.Alarms.Level.L20.Active" in paths
    assert "Depot.Alarms.Active" in paths
    assert ("Depot.CP01.Alarms.Active" in paths) is (depth != "sites")
    assert ("Depot.CP03.C2.Alarms.Active" in paths) is (depth == "connectors")
    assert "Depot.CP03.C2.Temperature.Alarms.Active" not in paths


@pytest.mark.parametrize(
    ("file", "content", "place", "why"),
    [
        ("alarms.toml", '[charger_offline]\nlevel = 3\nmessage = "x"\n', "charger_offline", "standard alarm"),
        ("alarms.toml", '[own]\nlevel = 30\nmessage = "x"\n', "own.level", "less than or equal to 29"),
        ("levels.toml", '[[bands]]\nfrom = 0\nto = 28\npriority = "low"\nname = "x"\n', "bands", "0 to 29"),
        (
            "project.toml",
            '[[masks]]\nname = "m"\nselect = "Depot.**"\nwhen = "Depot.CP01.Onlin"\n',
            "masks[0].when",
            "do you mean Depot.CP01.Online?",
        ),
        (
            "project.toml",
            '[[masks]]\nname = "m"\nselect = "Nowhere.**"\nwhen = "Depot.CP01.Online"\n',
            "masks[0].when",
            "'Nowhere.**' selects no tag",
        ),
        (
            "project.toml",
            '[[masks]]\nname = "charger offline"\nselect = "Depot.**"\nwhen = "true"\n',
            "masks[0].name",
            "stands there already",
        ),
        (
            "project.toml",
            '[[syntheses]]\ntag = "Depot.S"\nfilter = "alarm.colour == 1"\n',
            "syntheses[1].filter",
            "an alarm has no 'colour'",
        ),
        (
            "project.toml",
            '[[syntheses]]\ntag = "Depot.S"\nfilter = "Depot.CP01.Online"\n',
            "syntheses[1].filter",
            "name no tags here",
        ),
        (
            "project.toml",
            '[[syntheses]]\ntag = "Depot.CP01.Online"\nfilter = "alarm.active"\n',
            "syntheses[1].tag",
            "is there already",
        ),
        ("project.toml", '[roles.night]\nrights = []\nsites = ["Depo"]\n', "roles.night.sites[0]", "Depot"),
        ("project.toml", "[roles.night]\nsee_levels = [9, 3]\n", "roles.night.see_levels", "9 is above 3"),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\nsteps = [{ delay_s = 1 }]\n',
            "actions[0]",
            "needs `on`",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ delay_s = 1, condition = "true" }]\n',
            "actions[0].steps[0]",
            "delay_s and condition",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ command = "Reset", target = "Depot.CP1", '
            'arguments = { type = "Soft" } }]\n',
            "actions[0].steps[0].target",
            "Depot.CP01",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ command = "Reset", target = "Depot.CP01" }]\n',
            "actions[0].steps[0].arguments",
            "needs 'type'",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ write = "Depot.CP01.Online", value = true }]\n',
            "actions[0].steps[0].write",
            "cannot be written",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ write = "Depot.Note", value = 5 }]\n',
            "actions[0].steps[0].value",
            "holds a text",
        ),
        (
            "actions.toml",
            '[[actions]]\nname = "a"\non = "boot"\nsteps = [{ mail = ["Nobody"] }]\n',
            "actions[0].steps[0].mail[0]",
            "no contact, team or rota 'Nobody'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(
    project: Path, file: str, content: str, place: str, why: str
) -> None:
    add(project, file, content)
    found = problems(project)
    assert any(one.startswith(file) and f": {place}:" in one and why in one for one in found), found


def test_alarms_that_mask_each_other_are_refused(project: Path) -> None:
    for left, right in (("CP01", "CP02"), ("CP02", "CP01")):
        add(
            project,
            "project.toml",
            f'[[masks]]\nname = "{left}"\nselect = "Depot.{right}.Online"\nwhen = "active(Depot.{left}.Online)"\n',
        )
    (line,) = problems(project)
    assert "alarms mask each other" in line
    assert "Depot.CP01.Online" in line


def test_a_site_may_not_be_called_like_a_word_of_expressions(project: Path) -> None:
    file = project / "project.toml"
    file.write_text(file.read_text().replace('tag = "Depot"', 'tag = "charger"'))
    assert any("sites[0].tag: 'charger' is taken" in one for one in problems(project))
