"""The ledger's clock in a database of a test's own, so that it can be stepped either way."""

import asyncpg

_INSTALL = """
create table public.clock_step (only_one boolean primary key default true check (only_one), by_s float8 not null);
insert into public.clock_step (by_s) values (0);
create or replace function ledger.now() returns timestamptz language sql volatile as
    'select clock_timestamp() + make_interval(secs => (select by_s from public.clock_step))';
"""


async def install_clock(connection: asyncpg.Connection) -> None:
    await connection.execute(_INSTALL)


async def step_clock(connection: asyncpg.Connection | asyncpg.Pool, seconds: float) -> None:
    """Forward, or backward when negative; at once for every session."""
    await connection.execute("update public.clock_step set by_s = by_s + $1", seconds)


async def reset_clock(connection: asyncpg.Connection) -> None:
    await connection.execute("update public.clock_step set by_s = 0")
