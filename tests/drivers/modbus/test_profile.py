from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.drivers.modbus import Profile, find_profiles, load_profile

GOOD = """
[registers.Power]
function = 3
address = 10
type = "int32"
word_order = "little"
scale = 0.1
unit = "W"
low = -1000
high = 1000
"""


def write(folder: Path, text: str, name: str = "meter") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_meter_has_what_the_meter_tags_want(sdm630: Profile) -> None:
    wanted = {"Power", "Frequency", "Import", "Export"}
    wanted |= {f"{what}L{phase}" for what in ("Current", "Voltage", "Power") for phase in (1, 2, 3)}
    assert set(sdm630.registers) == wanted
    assert sdm630.registers["Import"].address == 72
    assert sdm630.registers["Power"].address == 52


def test_a_small_profile_is_complete_with_the_defaults(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, GOOD))
    assert profile.name == "meter"
    assert profile.limits.registers_max == 125
    assert profile.limits.hole_max == 0
    register = profile.registers["Power"]
    assert (register.words, register.end, register.word_order) == (2, 12, "little")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [limits]
        registers_max = 500
        [registers.Power]
        function = 5
        adress = 10
        type = "float16"
        unit = "kW"
        low = 10
        high = "much"
        """,
    )
    with pytest.raises(ProjectError) as raised:
        load_profile(path)
    told = {problem.where: problem for problem in raised.value.problems}
    assert set(told) == {
        "limits.registers_max",
        "registers.Power.function",
        "registers.Power.adress",
        "registers.Power.address",
        "registers.Power.type",
        "registers.Power.unit",
        "registers.Power.low",
        "registers.Power.high",
    }
    assert told["registers.Power.adress"].hint == "did you mean 'address'?"
    assert "always in W" in told["registers.Power.unit"].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least one register"),
        ("registers = 5", "must be a table"),
        ("[registers]\nPower = 5", "must be a table"),
        ("[registers", "is not TOML"),
        (GOOD.replace("address = 10", "address = 65535"), "beyond register 65535"),
        (GOOD.replace("0.1", "0"), "may not be 0"),
        (GOOD.replace("0.1", "nan"), "must be a finite number"),
        (GOOD.replace('"W"', '"furlong"'), "there is no unit"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ProjectError, match=reason):
        load_profile(write(tmp_path, text))


def test_a_projects_own_profile_goes_before_the_shipped_one(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    own.mkdir()
    shipped.mkdir()
    write(own, GOOD)
    write(shipped, GOOD.replace("10", "20"))
    write(shipped, GOOD, "other")
    found = find_profiles(["meter", "other", "meter"], [own, shipped])
    assert found["meter"].registers["Power"].address == 10
    assert set(found) == {"meter", "other"}
    with pytest.raises(ProjectError, match="there is no such Modbus profile"):
        find_profiles(["nobodys"], [own, shipped])
