"""Both languages get the same care: every text of the product is translated, with the same places in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import scada
from scada.i18n import LANGUAGES, Sentences, translator
from scada.i18n.catalogue import messages

SOURCES = Path(scada.__file__).parent
PLACES = re.compile(r"\{\w*\}")


def extracted() -> set[str]:
    found = extract_from_dir(
        SOURCES,
        method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
        keywords={"_": None, "marked": None, "tr": None},
    )
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def test_sources_hold_texts() -> None:
    assert {"Overview", "Log in", "Stop session", "Charging"} <= extracted()


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    table = messages(language)
    assert extracted() - set(table) == set()
    assert set(table) - extracted() == set()


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_translations_keep_the_places(language: str) -> None:
    for message, text in messages(language).items():
        assert sorted(PLACES.findall(message)) == sorted(PLACES.findall(text)), message


def test_unknown_text_and_language_stay_english() -> None:
    assert translator("fr")("never written") == "never written"
    assert translator("xx")("Overview") == "Overview"


def test_sentences_made_elsewhere_are_known_again() -> None:
    tr = translator("fr")
    sentences = Sentences(["transaction {id} stopped ({reason})", "transaction {id} runs"])
    assert (
        sentences.translate("transaction 12 stopped (Remote)", tr) == "la transaction 12 est arrêtée (Remote)"
    )
    assert sentences.translate("transaction 12 runs", tr) == "la transaction 12 est en cours"
    assert sentences.translate("something else {x}", tr) == "something else {x}"
    assert sentences.translate("a" * 10_000, tr) == "a" * 10_000
