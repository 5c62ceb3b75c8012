"""Symbols of the library as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from scada.mimic import Symbol


def svg(
    symbol: Symbol,
    css: str = "",
    attributes: Mapping[str, object] | None = None,
    *,
    share: float | None = None,
    limit: float | None = None,
) -> Markup:
    """A drawing as an inline element. It is decoration: what it says stands beside it as text.

    Args:
        share, limit: 0 to 1: how full it is shown where no tag says so.
    """
    extra = Markup("").join(Markup(' {}="{}"').format(k, v) for k, v in (attributes or {}).items())
    body = symbol.body
    if share is not None:
        body = body.replace('data-value="level" pathLength="1" stroke-dasharray="0 1"', _level(share))
        body = body.replace(
            'data-value="tick" pathLength="1" stroke-dasharray="0 0 0 1"', _tick("value", share)
        )
    if limit is not None:
        body = body.replace(
            'data-limit="tick" pathLength="1" stroke-dasharray="0 0 0 1"', _tick("limit", limit)
        )
    # The library's own files are the only source of these strings.
    return Markup('<svg{}{} class="symbol {}" aria-hidden="true">{}</svg>').format(
        Markup(symbol.attributes),  # noqa: S704
        extra,
        css,
        Markup(body),  # noqa: S704
    )


def _level(share: float) -> str:
    return f'data-value="level" pathLength="1" stroke-dasharray="{share:.3f} 1"'


def _tick(role: str, share: float) -> str:
    return f'data-{role}="tick" pathLength="1" stroke-dasharray="0 {max(0.0, share - 0.02):.3f} 0.04 1"'
