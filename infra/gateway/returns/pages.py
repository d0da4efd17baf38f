"""Pages for shoppers who cannot be sent on, and the headers of everything that a shopper gets."""

import html
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from fastapi.responses import HTMLResponse, RedirectResponse

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body>
<main>
<h1>{title}</h1>
<p>{said}</p>
<p lang="tr">{said_in_turkish}</p>
{link}</main>
</body>
</html>
"""

_LOOKED_AFTER: Final = (
    "Your payment is looked after all the same; the shop shows how it stands.",
    "Ödemeniz yine de takip ediliyor; durumunu mağazada görebilirsiniz.",
)
_GO_BACK: Final = (
    f"Please go back to the shop. {_LOOKED_AFTER[0]}",
    f"Lütfen mağazaya geri dönün. {_LOOKED_AFTER[1]}",
)


def onward(address: str, origins: Collection[str]) -> RedirectResponse:
    """303: whatever method the bank used, the shop's page is fetched."""
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=_headers(origins))


def not_ours(origins: Collection[str]) -> HTMLResponse:
    return _page(HTTPStatus.BAD_REQUEST, "This address does not work", _GO_BACK, origins)


def not_taken(status: HTTPStatus, origins: Collection[str]) -> HTMLResponse:
    """What the bank's page sent was too much, or did not come."""
    return _page(status, "What your browser sent could not be taken", _GO_BACK, origins)


def over(to: str, origins: Collection[str]) -> HTMLResponse:
    """`to` was signed by the hub and is allowed."""
    link = f'<p><a href="{html.escape(to)}" rel="noreferrer">Back to the shop / Mağazaya dön</a></p>\n'
    return _page(HTTPStatus.GONE, "This address is no longer good", _LOOKED_AFTER, origins, link)


def _page(
    status: HTTPStatus, title: str, said: tuple[str, str], origins: Collection[str], link: str = ""
) -> HTMLResponse:
    text = _PAGE.format(title=title, said=said[0], said_in_turkish=said[1], link=link)
    return HTMLResponse(text, status, _headers(origins))


def _headers(origins: Collection[str]) -> dict[str, str]:
    """Nothing is kept, run, or told to whoever comes next. Banks' pages often stand in a frame of the shop's."""
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {' '.join(origins) or chr(39) + 'none' + chr(39)}",
    }
