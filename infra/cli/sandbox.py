"""`kolaj sandbox` and the name of a provider: iyzico, paypal, paytr or stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.failing import Failed
from infra.cli.output import Json
from infra.sandbox import paypal as paypal_sandbox
from infra.sandbox.iyzico import Notifying, run_iyzico_sandbox
from infra.sandbox.paytr import Callbacks, run_paytr_sandbox
from infra.sandbox.stripe import WEBHOOK_SECRET, Webhooks, run_stripe_sandbox

app = typer.Typer(no_args_is_help=True, help="A provider's API on this machine, with books of its own.")

_FAULT = "KIND[,path=…][,count=N][,every=N][,probability=P][,seconds=S]"


@app.command()
def iyzico(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS too, with a certificate of a throwaway CA.")] = False,
    tls_port: Annotated[int, typer.Option(min=0, max=65535, help="For HTTPS; 0 takes a free one.")] = 0,
    books: Annotated[
        Path | None, typer.Option(help="Keep the books in this file; else they go with the process.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar=_FAULT, help="Order a fault; may be repeated.")] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="Delay of every answer in milliseconds.")] = 0,
    webhook_url: Annotated[
        str | None, typer.Option(help="Call this address about payments, signed as iyzico does.")
    ] = None,
    webhook_subscription_url: Annotated[
        str | None, typer.Option(help="Call this address about orders of subscriptions; else they go to the other.")
    ] = None,
    webhook_delay_s: Annotated[
        float, typer.Option(min=0, help="Seconds between an event and its call, at least.")
    ] = 10,
    webhook_repeats: Annotated[int, typer.Option(min=1, help="How often each call is made.")] = 1,
    webhook_forge_every: Annotated[
        int, typer.Option(min=0, help="Each n-th call comes with a wrong signature too.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Makes faults by chance repeatable.")] = 0,
    json: Annotated[bool, Json] = False,
) -> None:
    """Serve iyzico's API until interrupted. Base URL and keys are printed first."""
    with _served():
        run_iyzico_sandbox(
            port=port,
            books=":memory:" if books is None else str(books),
            faults=fault or (),
            tls=tls,
            tls_port=tls_port,
            json=json,
            seed=seed,
            latency_ms=latency_ms,
            notifying=None
            if webhook_url is None
            else Notifying(
                webhook_url,
                delay_s=webhook_delay_s,
                repeats=webhook_repeats,
                forge_every=webhook_forge_every,
                subscription_url=webhook_subscription_url,
            ),
        )


@app.command()
def paypal(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    tls_port: Annotated[
        int, typer.Option(min=0, max=65535, help="For HTTPS and the payer's pages; 0 takes a free one.")
    ] = 0,
    books: Annotated[
        Path | None, typer.Option(help="Keep the books in this file; else they go with the process.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar=_FAULT, help="Order a fault; may be repeated.")] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="Call this address about events, signed as PayPal does.")
    ] = None,
    webhook_after_s: Annotated[float, typer.Option(min=0, help="Seconds from an event to its first call.")] = 1,
    webhook_spread_s: Annotated[
        float, typer.Option(min=0, help="Each first call comes by chance up to this much later.")
    ] = 0,
    webhook_again_s: Annotated[float, typer.Option(min=1, help="Seconds until a call is made again.")] = 60,
    webhook_repeats: Annotated[int, typer.Option(min=0, help="How often it comes again though it was taken.")] = 0,
    webhook_forge_every: Annotated[
        int, typer.Option(min=0, help="Each n-th call comes first with another body of the same CRC-32.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Makes faults by chance repeatable.")] = 0,
    json: Annotated[bool, Json] = False,
) -> None:
    """Serve PayPal's API and pages until interrupted. Addresses and keys are printed first."""
    with _served():
        paypal_sandbox.run_paypal_sandbox(
            port=port,
            tls_port=tls_port,
            books=":memory:" if books is None else str(books),
            faults=fault or (),
            json=json,
            seed=seed,
            callbacks=paypal_sandbox.Callbacks(
                url=webhook_url,
                first_s=webhook_after_s,
                spread_s=webhook_spread_s,
                again_s=webhook_again_s,
                repeats=webhook_repeats,
                forge_every=webhook_forge_every,
            ),
        )


@app.command()
def paytr(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    books: Annotated[
        Path | None, typer.Option(help="Keep the books in this file; else they go with the process.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar=_FAULT, help="Order a fault; may be repeated.")] = None,
    callback_url: Annotated[
        str | None, typer.Option(help="Tell this address of payments, as PayTR does, until it answers OK.")
    ] = None,
    callback_after_s: Annotated[float, typer.Option(min=0, help="Seconds from an event to its first call.")] = 1,
    callback_spread_s: Annotated[
        float, typer.Option(min=0, help="Each call comes by chance up to this much later.")
    ] = 0,
    callback_again_s: Annotated[float, typer.Option(min=1, help="Seconds until a call is made again.")] = 60,
    callback_repeats: Annotated[int, typer.Option(min=0, help="How often it comes again though it was taken.")] = 0,
    callback_forge_every: Annotated[int, typer.Option(min=0, help="Each n-th call comes with a wrong hash first.")] = 0,
    seed: Annotated[int, typer.Option(help="Makes faults by chance repeatable.")] = 0,
    json: Annotated[bool, Json] = False,
) -> None:
    """Serve PayTR's API and pages until interrupted. Base URL and keys are printed first."""
    with _served():
        run_paytr_sandbox(
            port=port,
            books=":memory:" if books is None else str(books),
            faults=fault or (),
            json=json,
            seed=seed,
            callbacks=Callbacks(
                url=callback_url,
                first_s=callback_after_s,
                spread_s=callback_spread_s,
                again_s=callback_again_s,
                repeats=callback_repeats,
                forge_every=callback_forge_every,
            ),
        )


@app.command()
def stripe(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    books: Annotated[
        Path | None, typer.Option(help="Keep the books in this file; else they go with the process.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar=_FAULT, help="Order a fault; may be repeated.")] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="Tell this address of events, signed as Stripe does, until it answers 2xx.")
    ] = None,
    webhook_secret: Annotated[
        list[str] | None, typer.Option(help="Sign with this secret; with several while it is repeated.")
    ] = None,
    webhook_after_s: Annotated[float, typer.Option(min=0, help="Seconds from an event to its first call.")] = 1,
    webhook_spread_s: Annotated[
        float, typer.Option(min=0, help="Each call comes by chance up to this much later.")
    ] = 0,
    webhook_again_s: Annotated[float, typer.Option(min=1, help="Seconds until a call is made again, then twice.")] = 60,
    webhook_tries: Annotated[int, typer.Option(min=1, help="How often an event is sent that nobody takes.")] = 4,
    webhook_repeats: Annotated[int, typer.Option(min=0, help="How often it comes again though it was taken.")] = 0,
    webhook_forge_every: Annotated[
        int, typer.Option(min=0, help="Each n-th call comes with a wrong signature first.")
    ] = 0,
    account_rate: Annotated[int | None, typer.Option(min=1, help="Requests a second of the account; else all.")] = None,
    endpoint_rate: Annotated[
        int | None, typer.Option(min=1, help="Requests a second of each endpoint; else all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Makes faults by chance repeatable.")] = 0,
    json: Annotated[bool, Json] = False,
) -> None:
    """Serve Stripe's API and pages until interrupted. Base URL and keys are printed first."""
    with _served():
        run_stripe_sandbox(
            port=port,
            books=":memory:" if books is None else str(books),
            faults=fault or (),
            json=json,
            seed=seed,
            webhooks=Webhooks(
                url=webhook_url,
                secrets=tuple(webhook_secret or (WEBHOOK_SECRET,)),
                first_s=webhook_after_s,
                spread_s=webhook_spread_s,
                again_s=webhook_again_s,
                tries=webhook_tries,
                repeats=webhook_repeats,
                forge_every=webhook_forge_every,
            ),
            account_rate=account_rate,
            endpoint_rate=endpoint_rate,
        )


@contextmanager
def _served() -> Iterator[None]:
    """Say in the command line's words why nothing can be served."""
    try:
        yield
    except ValueError as bad:
        raise typer.BadParameter(str(bad)) from bad
    except OSError as bad:
        raise Failed(f"the sandbox cannot be served: {bad.strerror or bad}; try another --port or --books") from bad
