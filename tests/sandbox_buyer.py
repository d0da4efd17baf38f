"""A buyer's browser, as far as the sandbox's pages need one: it reads forms, fills them in and presses a button."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import aiohttp


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.alerts: list[str] = []
        self._tag = ""
        self._pressed: tuple[str, str] = ("", "")
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._tag = "alert" if given.get("role") == "alert" else tag
        match tag:
            case "form":
                assert given["method"] == "post"
                self.forms.append(Form(given["action"]))
            case "input" if given.get("type") != "checkbox":
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            case "select":
                self._select = given["name"]
                self.forms[-1].choices[self._select] = []
            case "option":
                self.forms[-1].choices[self._select].append(given["value"])
            case "button":
                self._pressed = (given.get("name", ""), given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._tag == "alert":
            self.alerts.append(data)
        if self._tag == "button":
            self.forms[-1].buttons[data] = self._pressed
        self._tag = ""


@dataclass(frozen=True)
class Shown:
    """A page: where it was, its forms, and what it warns of."""

    url: str
    text: str
    forms: tuple[Form, ...]
    alerts: tuple[str, ...]

    @classmethod
    def of(cls, url: str, text: str) -> Self:
        reader = _Reader()
        reader.feed(text)
        return cls(url, text, tuple(reader.forms), tuple(reader.alerts))

    def form(self, button: str) -> Form:
        return next(form for form in self.forms if button in form.buttons)

    def filled(self, button: str, **typed: str) -> tuple[str, dict[str, str]]:
        """Where the button leads, and what it sends."""
        form = self.form(button)
        chosen = {name: values[0] for name, values in form.choices.items()}
        name, value = form.buttons[button]
        pressed = {name: value} if name else {}
        return urljoin(self.url, form.action), {**form.fields, **chosen, **typed, **pressed}


@dataclass(frozen=True)
class Browser:
    """Without cookies and without script."""

    session: aiohttp.ClientSession

    async def open(self, url: str) -> Shown:
        async with self.session.get(url) as answer:
            return Shown.of(url, await answer.text())

    async def press(self, shown: Shown, button: str, **typed: str) -> Shown:
        url, fields = shown.filled(button, **typed)
        async with self.session.post(url, data=fields) as answer:
            return Shown.of(url, await answer.text())


@asynccontextmanager
async def a_buyers_browser() -> AsyncIterator[Browser]:
    """It takes any certificate: the sandbox's is of a throwaway authority."""
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Browser(session)
