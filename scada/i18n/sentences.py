"""Sentences with values in them that were made elsewhere, in English, and are read by people.

Drivers and the core write outcomes and errors as English sentences ("transaction 12 runs"). A message id with
`{name}` places is matched against such a sentence and its translation filled with what stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from scada.i18n.catalogue import Translate

SENTENCE_LENGTH_MAX = 500
"""Longer ones are not matched and stay as they are."""


class Sentences:
    """The sentences that can be known again.

    Args:
        patterns: message ids, each with `{name}` places.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [(pattern, _expression(pattern)) for pattern in patterns]

    def translate(self, text: str, tr: Translate) -> str:
        """The sentence in the language of `tr`; unchanged where it is not known."""
        plain = tr(text)
        if plain != text or len(text) > SENTENCE_LENGTH_MAX:
            return plain
        for pattern, expression in self._patterns:
            match = expression.fullmatch(text)
            if match:
                values = {name: tr(value) for name, value in match.groupdict().items()}
                return tr(pattern).format(**values)
        return text


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", pattern)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>.+?)" for i, p in enumerate(parts)))
