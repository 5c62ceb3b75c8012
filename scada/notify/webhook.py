"""Webhooks: a message as JSON by HTTP POST, signed (`scada.core.signature`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx2

from scada import __version__
from scada.core import signature
from scada.core.plant import Contact
from scada.core.value import TimeUs
from scada.notify.mail_post import Secret
from scada.notify.message import Mail
from scada.notify.relay import Answer, Verdict

TIMEOUT_S = 10.0
"""Bound of each step; the whole request may take twice as long."""
ANSWER_BYTES_MAX = 300
_JUDGED = frozenset((400, 410, 413, 415, 422))
"""The receiver looked at this very message and will not have it. Anything else somebody may mend meanwhile."""


class WebhookPost:
    """Posts messages to contacts' URLs. Redirects are not followed: a message goes where the project says.

    Args:
        secret: gives the key of a contact's reference, read anew each time.
    """

    def __init__(self, contacts: Mapping[str, Contact], secret: Secret) -> None:
        self._contacts = contacts
        self._secret = secret
        self._client: httpx2.AsyncClient | None = None

    async def send(self, mail: Mail, contact: str, now_us: TimeUs) -> Answer:
        """Post one message."""
        headers = {"Content-Type": "application/json", "User-Agent": f"EV-SCADA/{__version__}"}
        reference = self._contacts[contact].webhook_secret_ref if contact in self._contacts else ""
        if reference:
            secret = await self._secret(reference)
            if not secret:
                return Answer(Verdict.LATER, "the secret for the signature is not there")
            headers[signature.HEADER] = signature.sign(secret, now_us, mail.content)
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        try:
            async with (
                asyncio.timeout(2 * TIMEOUT_S),
                self._client.stream("POST", mail.recipient, content=mail.content, headers=headers) as answer,
            ):
                body = b""
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) >= ANSWER_BYTES_MAX:
                        break
        except httpx2.ConnectError as error:
            return Answer(Verdict.AWAY, str(error) or "no connection")
        except TimeoutError:
            return Answer(Verdict.BROKEN, f"no answer within {2 * TIMEOUT_S:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Answer(Verdict.BROKEN, str(error) or type(error).__name__)
        words = body[:ANSWER_BYTES_MAX].decode("utf-8", "replace")
        text = " ".join(f"{answer.status_code} {answer.reason_phrase} {words}".split())
        if 200 <= answer.status_code < 300:
            return Answer(Verdict.ACCEPTED, text)
        if answer.status_code >= 500:
            # It may have been taken all the same, as by a receiver behind a gateway that did not wait (504): what is
            # tried again under the same id must be the same, for receivers drop what they know.
            return Answer(Verdict.BROKEN, text)
        return Answer(Verdict.REFUSED if answer.status_code in _JUDGED else Verdict.LATER, text)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
