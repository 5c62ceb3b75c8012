"""The typefaces of a report on paper: PDF's standard ones, which every reader has, and Noto Sans inside the file for what they lack.

The standard ones hold WinAnsi (ISO 32000-1 annex D). Noto Sans holds the Latin, Greek and Cyrillic blocks of Unicode; it has
one weight here, so that a head in it is as thin as the text. What it lacks too, and what would need shaping or an order from right to
left (Arabic, Hebrew, Indic and Asian scripts), is a question mark on paper, which the report says.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from xml.sax.saxutils import escape

from fontpkg_noto_sans import ROOT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

PLAIN, BOLD, WIDE = "Helvetica", "Helvetica-Bold", "Noto Sans"
MISSING_MAX = 20
"""Characters that a report names as not shown."""
_WRITTEN = str.maketrans({"−": "-", "→": "->", "≤": "<=", "≥": ">=", "\u202f": "\u00a0"})
"""Signs that both lack, and how they are written without."""
_UNSHAPED = ((0x0900, 0x0980), (0x1CD0, 0x1D00), (0xA8E0, 0xA900))
"""Blocks of Devanagari: its glyphs are there, but not the rules that join them."""


class Typefaces:
    """Typefaces for the texts of one report; knows which characters none of them has."""

    def __init__(self) -> None:
        self._missing: dict[str, None] = {}

    @property
    def missing(self) -> str:
        """The first characters that could not be shown, by their code points."""
        return ", ".join(f"U+{ord(letter):04X}" for letter in self._missing)

    def fit(self, *texts: str, bold: bool = False) -> tuple[str, list[str]]:
        """The typeface that holds all the texts, and them with a question mark for each character that it lacks."""
        plain = [unicodedata.normalize("NFC", text).translate(_WRITTEN) for text in texts]
        if all(map(_is_standard, plain)):
            return BOLD if bold else PLAIN, plain
        glyphs = _wide()
        return WIDE, ["".join(self._known(letter, glyphs) for letter in text) for text in plain]

    def paragraph(self, text: str, style: ParagraphStyle) -> Paragraph:
        """A paragraph in the style's typeface where that holds the text."""
        face, (shown,) = self.fit(text)
        words = escape(shown)
        return Paragraph(f'<font name="{WIDE}">{words}</font>' if face == WIDE else words, style)

    def _known(self, letter: str, glyphs: frozenset[int]) -> str:
        if ord(letter) in glyphs or letter.isspace():
            return letter
        if len(self._missing) < MISSING_MAX:
            self._missing[letter] = None
        return "?"


def _is_standard(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _wide() -> frozenset[int]:
    """Make the typeface known, once in a process; the code points that it can show."""
    font = TTFont(WIDE, str(ROOT / "files" / "NotoSans[wdth,wght].ttf"))
    pdfmetrics.registerFont(font)
    found = (code for code in font.face.charToGlyph if not any(low <= code < high for low, high in _UNSHAPED))
    return frozenset(found)
