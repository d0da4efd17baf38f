"""Every place where a hub leaves something: records of topics, rows of tables, output of processes."""

from collections.abc import Iterable

import asyncpg

from streams.kafka import KafkaAccess
from streams.reader import replay
from streams.records import RawRecord


async def records_of(access: KafkaAccess, topic: str) -> dict[tuple[int, int], bytes]:
    """Each record of a topic, by partition and offset: its key, its value, and names and values of its headers."""
    return {(record.partition, record.offset): _whole(record) async for record in replay(access, topic)}


def _whole(record: RawRecord) -> bytes:
    parts = [record.key or b"", record.value or b""]
    parts += [part for name, value in record.headers for part in (name.encode(), value or b"")]
    return b"\n".join(parts)


async def tables_of(database: asyncpg.Connection) -> dict[str, bytes]:
    """Every row of every table of every schema: as text, and the columns of bytes once more as they are."""
    found = {}
    for name, raw in await database.fetch(_TABLES):
        rows: Iterable[asyncpg.Record] = await database.fetch(f"select t::text as row from {name} t")  # noqa: S608 - names of the catalogue
        parts = [row["row"].encode() for row in rows]
        for column in raw:
            values = await database.fetch(f"select {column} from {name} where {column} is not null")  # noqa: S608 - likewise
            parts += [part for (value,) in values for part in ([value] if isinstance(value, bytes) else value)]
        found[f"table {name}"] = b"\n".join(parts)
    return found


_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name,
       coalesce(array_agg(quote_ident(a.attname)) filter (where a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype)),
                '{}') as raw
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
group by n.nspname, c.relname
"""
