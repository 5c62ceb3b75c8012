"""Messages to be looked at before anybody gets them: the notifier's templates for the HMI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scada.core.errors import BadRequest
from scada.hmi.services import Preview
from scada.notify import Notifier
from scada.notify.templates import FRAMES, SHIPPED, TEMPLATE_FILE

NAMES_MAX = 200


class Previews:
    """Implements `scada.hmi.services.Messages`.

    Args:
        own: folder of the project's templates.
    """

    def __init__(self, notifier: Notifier, own: Path) -> None:
        self._notifier = notifier
        self._own = own

    def templates(self) -> Sequence[str]:
        """The shipped templates, then the project's own."""
        files = sorted(self._own.iterdir()) if self._own.is_dir() else []
        found = (match["name"] for file in files if (match := TEMPLATE_FILE.match(file.name)))
        return list(dict.fromkeys([*SHIPPED, *(name for name in found if name not in FRAMES)]))[:NAMES_MAX]

    def preview(self, template: str, language: str) -> Preview:
        """A template in a language, with sample facts.

        Raises:
            BadRequest: it cannot be made.
        """
        try:
            mail = self._notifier.preview(template, language)
        except (ValueError, OSError) as error:
            raise BadRequest(f"cannot be shown: {error}") from None
        return Preview(mail.subject, mail.text, mail.html)
