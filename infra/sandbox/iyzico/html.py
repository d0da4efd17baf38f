"""Pages for a buyer's browser: plain forms that work without script. Every text from outside is escaped."""

from collections.abc import Iterable, Mapping
from html import escape

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}"
    "label{display:block;margin:0 0 .75rem}input,select{padding:.4rem}"
    "button{padding:.5rem 1rem;margin:0 .5rem .5rem 0}[role=alert]{color:#a00}"
)


def page(title: str, *parts: str) -> str:
    """A whole page; `parts` are HTML."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>"
    )


def paragraph(text: str, *, alert: bool = False) -> str:
    return f'<p role="alert">{escape(text)}</p>' if alert else f"<p>{escape(text)}</p>"


def form(action: str, *parts: str, identity: str = "") -> str:
    """A form that is posted to `action`."""
    named = f' id="{escape(identity)}"' if identity else ""
    return f'<form method="post" action="{escape(action)}"{named}>{"".join(parts)}</form>'


def field(name: str, label: str, value: str = "") -> str:
    """One labelled input."""
    shown = f' value="{escape(value)}"' if value else ""
    return f'<label>{escape(label)} <input type="text" name="{escape(name)}" autocomplete="off"{shown}></label>'


def hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def choice(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    """A list to choose from: (value, text)."""
    rows = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<label>{escape(label)} <select name="{escape(name)}">{rows}</select></label>'


def checkbox(name: str, label: str) -> str:
    """A box that sends 1 when it is ticked."""
    return f'<label><input type="checkbox" name="{escape(name)}" value="1"> {escape(label)}</label>'


def button(text: str, name: str = "", value: str = "") -> str:
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<button type="submit"{named}>{escape(text)}</button>'


def leading_form(action: str, fields: Mapping[str, str], text: str) -> str:
    """A page that posts `fields` to `action` by itself; without script, at the press of its button."""
    return page(
        text,
        form(action, *(hidden(name, value) for name, value in fields.items()), button(text), identity="lead"),
        '<script>document.getElementById("lead").submit()</script>',
    )
