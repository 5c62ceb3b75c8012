"""Who may charge: tokens of several sources, refused ones, operators' answers while a charger waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scada.charging.authorization import Authorization, AuthorizationStatus
from scada.charging.refused import REFUSED_MAX
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import AuthorizationMode, ChargingSettings, Token, TokenImport
from scada.runtime.charging_requests import AdmitToken, AnswerCharger, ImportTokens, WithdrawToken
from scada.runtime.requests import Authorize
from scada.testing.cores import ANN, MemoryCore, restart_from
from tests.charging.conftest import C1, CP, Yard

Make = Callable[..., Yard]
ACCEPTED, BLOCKED, INVALID = (
    AuthorizationStatus.ACCEPTED,
    AuthorizationStatus.BLOCKED,
    AuthorizationStatus.INVALID,
)


def test_a_refused_token_is_listed_and_one_request_admits_it(yard: Make) -> None:
    depot = yard()
    assert depot.authorize("NEW-1").status is INVALID
    depot.core.wait(10)
    depot.authorize("new-1")
    depot = depot.restarted()
    (refused,) = depot.core.core.charging.refused.all()
    assert (refused.id_tag, refused.charger, refused.times, refused.why) == ("NEW-1", CP, 2, "not known")
    depot.core.ask(AdmitToken(Token(id_tag="NEW-1", name="Guest"), ANN))
    depot = depot.restarted()
    assert depot.core.core.charging.refused.all() == []
    assert (depot.authorize("NEW-1").status, depot.authorize("NEW-1").source) == (ACCEPTED, "admitted")
    depot.core.ask(WithdrawToken("new-1", ANN))
    assert depot.authorize("NEW-1").status is INVALID
    with pytest.raises(NotFound):
        depot.core.ask(WithdrawToken("NEW-1", ANN))


def test_what_is_known_is_not_admitted_and_a_site_must_exist(yard: Make) -> None:
    depot = yard()
    with pytest.raises(BadRequest, match="blocked already"):
        depot.core.ask(AdmitToken(Token(id_tag="LOST-0001"), ANN))
    with pytest.raises(BadRequest, match="no site 'Moon'"):
        depot.core.ask(AdmitToken(Token(id_tag="NEW-1", sites=("Moon",)), ANN))
    assert depot.authorize("NEW-1").status is INVALID


def test_the_list_of_refused_tokens_is_bounded(yard: Make) -> None:
    depot = yard()
    for number in range(REFUSED_MAX + 5):
        depot.core.now_us += 1
        depot.authorize(f"T{number}")
    names = [one.id_tag for one in depot.core.core.charging.refused.all()]
    assert (len(names), names[0], "T4" in names) == (REFUSED_MAX, f"T{REFUSED_MAX + 4}", False)


def test_a_token_that_is_echoed_with_a_tail_is_still_the_token(yard: Make) -> None:
    depot = yard()
    token = "ABCDEFGHIJKLMNOPQRST"
    depot.core.ask(AdmitToken(Token(id_tag=token), ANN))
    assert depot.authorize(token + "00").status is ACCEPTED
    assert depot.authorize(token[:16]).status is INVALID  # a part of a token is no token
    number = depot.start(token + "00").transaction_id
    assert depot.start(token, meter=1000).transaction_id == number


def test_a_connector_may_be_free_while_its_site_is_not(yard: Make) -> None:
    depot = yard()
    assert depot.authorize("ANYBODY").status is INVALID
    depot.core.write({f"{C1}.AuthorizationMode": "free"})
    assert (depot.authorize("ANYBODY").status, depot.authorize("ANYBODY").source) == (ACCEPTED, "free")
    assert depot.authorize("LOST-0001").status is BLOCKED
    assert depot.start("ANYBODY").authorization.accepted
    assert depot.transactions[0].authorized_by == "free"


def test_an_operator_lets_a_token_in_while_the_charger_waits(yard: Make) -> None:
    depot = yard(authorization=AuthorizationMode.MANUAL)
    assert depot.authorize("FLEET-0001").accepted  # a known one needs nobody
    assert depot.core.core.authorize_wait_s(CP) == 20
    answer = depot.core.ask_later(Authorize("NEW-1", CP))
    assert answer() is None
    (question,) = depot.core.core.charging.manual.pending()
    depot.core.ask(AnswerCharger(question.number, True, ANN))
    assert answer() == Authorization(ACCEPTED, source="manual")
    assert depot.start("NEW-1").authorization.accepted
    assert depot.transactions[0].authorized_by == "manual"
    with pytest.raises(NotFound):
        depot.core.ask(AnswerCharger(question.number, True, ANN))


def test_without_an_answer_in_time_the_token_is_refused(yard: Make) -> None:
    depot = yard(authorization=AuthorizationMode.MANUAL)
    answer = depot.core.ask_later(Authorize("NEW-1", CP))
    depot.core.wait(19)
    assert answer() is None
    depot.core.wait(3)
    late = answer()
    assert isinstance(late, Authorization)
    assert late.status is INVALID
    assert [one.id_tag for one in depot.core.core.charging.refused.all()] == ["NEW-1"]
    assert not depot.start("NEW-1").authorization.accepted


def test_a_token_charges_once_where_the_site_wants_it_so(yard: Make) -> None:
    depot = yard(concurrent=False)
    first = depot.start()
    assert depot.start() == first  # a retry is no second one
    second = depot.start(charger="Depot.CP02").authorization
    assert (second.status, second.why) == (AuthorizationStatus.CONCURRENT, "charges at Depot.CP01.C1")
    assert yard().start(charger="Depot.CP02").authorization.accepted


def test_imported_tokens_replace_the_list_before_and_a_block_list_has_the_last_word(yard: Make) -> None:
    imports = (
        TokenImport(name="fleet", source="fleet.csv", every_us=1),
        TokenImport(name="stolen", source="stolen.csv", every_us=1, block=True),
    )
    depot = yard(ChargingSettings(imports=imports))
    depot.core.ask(ImportTokens("fleet", [Token(id_tag="A", parent="G"), Token(id_tag="B")]))
    assert depot.core.ask(ImportTokens("fleet", [Token(id_tag="A", parent="G"), Token(id_tag="C")])) == (1, 1)
    depot = depot.restarted()
    assert [depot.authorize(tag).status for tag in ("A", "B", "C")] == [ACCEPTED, INVALID, ACCEPTED]
    assert (depot.authorize("A").parent, depot.authorize("A").source) == ("G", "imported")
    depot.core.ask(ImportTokens("stolen", [replace(Token(id_tag=tag), blocked=True) for tag in ("A", "X")]))
    depot = depot.restarted()
    assert (depot.authorize("A").status, depot.authorize("X").status) == (BLOCKED, BLOCKED)
    with pytest.raises(BadRequest, match="twice"):
        depot.core.ask(ImportTokens("fleet", [Token(id_tag="a"), Token(id_tag="A")]))
    with pytest.raises(BadRequest, match="no plan"):
        depot.core.ask(ImportTokens("fleet", [Token(id_tag="Z", plan="none")]))
    assert depot.authorize("C").accepted


def test_a_word_that_is_no_mode_opens_nothing(yard: Make) -> None:
    depot = yard()
    depot.core.write({f"{C1}.AuthorizationMode": "everybody"})
    assert depot.authorize("ANYBODY").status is INVALID


def test_the_list_of_an_import_that_is_gone_is_forgotten(yard: Make) -> None:
    depot = yard(ChargingSettings(imports=(TokenImport(name="fleet", source="fleet.csv", every_us=1),)))
    depot.core.ask(ImportTokens("fleet", [Token(id_tag="A")]))
    plant = replace(depot.core.plant, charging=ChargingSettings())
    depot = Yard(plant, MemoryCore(plant, depot.core.now_us, depot.core.records))
    assert depot.authorize("A").status is INVALID
    assert [one for one in restart_from(depot.core.records).documents if one.kind == "imported_token"] == []
