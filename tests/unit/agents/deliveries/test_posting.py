"""Sending over real sockets: where it is refused, what is never followed, and how each failure is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
import trustme
from aiohttp import web

from agents.deliveries.destinations import Rules
from agents.deliveries.posting import ANSWER_BYTES, Poster
from infra.local.process import free_ports
from tests.receiver import Got, Receiver, receiver

NAME = "hooks.example.com"
HERE = Rules(loopback=True)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


@pytest_asyncio.fixture
async def poster() -> AsyncIterator[Poster]:
    made = Poster(HERE, timeout_s=20, limit=4)
    yield made
    await made.aclose()


class Resolver:
    """Gives one answer after the other, and then the last one again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del port
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def outcome(poster: Poster, url: str) -> str:
    return (await poster.post(url, {"webhook-id": "evt_1"}, b"{}")).outcome


def status(code: int, **headers: str) -> object:
    async def answer(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def test_what_is_sent_arrives_to_the_byte_without_anybodys_cookies(server: Receiver, poster: Poster) -> None:
    async def answer(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(headers={"set-cookie": "a=b"})

    server.answer = answer
    for _ in range(2):
        attempt = await poster.post(f"{server.url}/in?a=%C3%BC", {"webhook-id": "evt_1"}, b'{"a": "\xc3\xbc"}')
        assert (attempt.outcome, attempt.status) == ("delivered", 200)
    assert [got.body for got in server.got] == [b'{"a": "\xc3\xbc"}'] * 2
    assert all("cookie" not in got.headers for got in server.got)
    assert server.got[0].headers["content-type"] == "application/json"
    assert server.connections == 2, "each attempt looks anew where it goes"


async def test_a_proxy_of_the_environment_is_not_used(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    made = Poster(HERE, timeout_s=20, limit=1)
    assert await outcome(made, server.url) == "delivered"
    await made.aclose()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_nobody_follows_it(server: Receiver, poster: Poster, code: int) -> None:
    async with receiver() as behind:
        server.answer = status(code, location=f"{behind.url}/secret")  # type: ignore[assignment]
        assert await outcome(poster, server.url) == "redirect"
        assert behind.connections == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "https://127.0.0.1:{}/"])
async def test_this_machine_is_refused_and_sees_no_connection(server: Receiver, url: str) -> None:
    made = Poster(Rules(frozenset({server.port})), timeout_s=20, limit=1)
    assert await outcome(made, url.format(server.port)) == "refused_destination"
    assert server.connections == 0
    await made.aclose()


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["127.0.0.1", "1.1.1.1"]],
    ids=["alone", "behind a public one", "IPv6", "mapped", "before a public one"],
)
async def test_a_name_that_leads_to_this_machine_is_refused_and_sees_no_connection(
    server: Receiver, answer: list[str]
) -> None:
    made = Poster(Rules(frozenset({server.port})), timeout_s=20, limit=1, lookup=Resolver(answer))
    assert await outcome(made, f"https://{NAME}:{server.port}/") == "refused_destination"
    assert server.connections == 0
    await made.aclose()


async def test_a_name_that_is_public_when_it_is_checked_and_ours_when_it_is_sent_to_is_refused(
    server: Receiver,
) -> None:
    rebinding = Resolver(["1.1.1.1"], ["127.0.0.1"])
    rules = Rules(frozenset({server.port}))
    host, port = rules.check(f"https://{NAME}:{server.port}/")
    rules.check_addresses(await rebinding(host, port))  # as when the endpoint is made
    made = Poster(rules, timeout_s=20, limit=1, lookup=rebinding)
    assert await outcome(made, f"https://{NAME}:{server.port}/") == "refused_destination"
    assert server.connections == 0
    await made.aclose()


async def test_what_is_connected_to_is_what_was_checked_and_nobody_asks_twice(server: Receiver) -> None:
    rebinding = Resolver(["127.0.0.1"], ["127.0.0.2"])
    made = Poster(Rules(frozenset({server.port}), loopback=True), timeout_s=20, limit=1, lookup=rebinding)
    # The plain server speaks no TLS: that it was met at all is what counts.
    assert await outcome(made, f"https://{NAME}:{server.port}/") in {"tls", "connection_lost"}
    assert rebinding.asked == [NAME]
    assert server.connections == 1
    await made.aclose()


async def test_an_address_that_is_not_looked_up_is_checked_before_it_is_connected_to(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rules, "check", lambda *_: ("127.0.0.1", server.port))  # as if the form had let it through
    made = Poster(Rules(), timeout_s=20, limit=1)
    assert await outcome(made, server.url) == "refused_destination"
    assert server.connections == 0
    await made.aclose()


async def test_the_certificate_is_the_names_and_the_name_is_told() -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    for name, expected in ((NAME, "delivered"), ("other.example.com", "tls")):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(context)
        async with receiver(tls=context) as secure:
            rules = Rules(frozenset({secure.port}), loopback=True)
            made = Poster(rules, timeout_s=20, limit=1, lookup=Resolver(["127.0.0.1"]), tls=trusting)
            assert await outcome(made, f"https://{NAME}:{secure.port}/in") == expected
            assert [got.headers["host"] for got in secure.got] == ([f"{NAME}:{secure.port}"] if name == NAME else [])
            await made.aclose()


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert(NAME).configure_cert(context)
    async with receiver(tls=context) as secure:
        rules = Rules(frozenset({secure.port}), loopback=True)
        made = Poster(rules, timeout_s=20, limit=1, lookup=Resolver(["127.0.0.1"]))
        assert await outcome(made, f"https://{NAME}:{secure.port}/in") == "tls"
        assert secure.got == []
        await made.aclose()


async def test_an_answer_without_an_end_is_cut_and_its_status_counts(server: Receiver, poster: Poster) -> None:
    written = 0

    async def endless(request: web.BaseRequest, _: Got) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            written += 65_536

    server.answer = endless
    assert await outcome(poster, server.url) == "delivered"
    # What lies in the buffers of two sockets may have been written without having been read.
    assert written < ANSWER_BYTES + 16 * 1024 * 1024


@pytest.mark.parametrize("part", ["head", "body"])
async def test_a_slow_answer_is_cut(server: Receiver, part: str) -> None:
    ended = asyncio.Event()

    async def slow(request: web.BaseRequest, _: Got) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        if part == "body":
            await response.prepare(request)
        await ended.wait()
        return response

    server.answer = slow
    made = Poster(HERE, timeout_s=0.5, limit=1)
    attempt = await made.post(server.url, {}, b"{}")
    ended.set()
    assert attempt.outcome == ("timeout" if part == "head" else "delivered")
    await made.aclose()


async def test_a_lookup_that_nobody_answers_is_cut() -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        del host, port
        await asyncio.Event().wait()
        return []

    made = Poster(Rules(), timeout_s=0.3, limit=1, lookup=silent)
    assert await outcome(made, f"https://{NAME}/") == "timeout"
    await made.aclose()


async def test_each_failure_has_its_word(server: Receiver, poster: Poster) -> None:
    async def reset(request: web.BaseRequest, _: Got) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(f"{host}:{port}")

    server.answer = status(500)  # type: ignore[assignment]
    assert await outcome(poster, server.url) == "http_500"
    server.answer = reset
    assert await outcome(poster, server.url) == "connection_lost"
    (nobody,) = free_ports(1)
    assert await outcome(poster, f"http://127.0.0.1:{nobody}/") == "no_connection"
    made = Poster(Rules(), timeout_s=20, limit=1, lookup=unknown)
    assert await outcome(made, f"https://{NAME}/") == "unresolved"
    await made.aclose()


@pytest.mark.parametrize(
    ("said", "waits"),
    [("120", True), ("Fri, 31 Dec 2099 23:59:59 GMT", True), ("soon", False), ("-1", False), ("٣", False)],
)
async def test_retry_after_is_read_in_both_forms(server: Receiver, poster: Poster, said: str, *, waits: bool) -> None:
    server.answer = status(503, retry_after=said)  # type: ignore[assignment]
    attempt = await poster.post(server.url, {}, b"{}")
    assert (attempt.status, (attempt.retry_after_s or 0) >= 120) == (503, waits)
