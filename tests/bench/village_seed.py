"""A city of villages at full load, written into a copy of a demonstration past all guards: open requests and closed
ones, what happened to those that wait for approval, and totals of eleven months, as the use cases leave them behind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

CLOSED, TOTAL_DAYS = 200, 330
"""Closed requests of each village; days on which something was added up."""

LOADING = ("fsync = off", "full_page_writes = off", "max_wal_size = '4GB'")
"""Of the server, while the city is written: it is lost if the machine stops, and is a third faster."""

PAST_GUARDS = "set session_replication_role = replica; set synchronous_commit = off"

ORGANS = """
insert into organ (uscc, kind, name, town, area, number_word)
select u, 'village', '云山市测试镇第' || n + $3::int || '村民委员会', $2, '441900',
  translate((n + $3::int)::text, '0123456789', '零一二三四五六七八九') || '村'
from unnest($1::text[]) with ordinality as one (u, n)
"""
TOWN = """
insert into organ (uscc, kind, name, area) values ($1, 'town', '云山市第' || $2::int || '镇人民政府', '441900')
"""
REQUESTS = """
insert into proof_request (id, organ, type_id, origin, opened_by, key, digest, opened_at, code_hash, due, version,
  state, changed_at, handler, identity_how, identity_by, identity_at, consent_what, consent_how, consent_at,
  approval_id, shown, holder_hash, sealed, key_id)
select 'v-' || left(translate(md5(o || n), '0189', 'wxyz'), 20), o,
  (array['tiered-water-proof', 'grave-relocation-proof', 'house-alteration-proof', 'water-power-connection-proof',
    'public-rental-housing-proof'])[1 + n / 30 % 5],
  'counter', $2::text, o || n, sha256((o || n)::bytea), at, sha256(('code' || o || n)::bytea),
  case when n > $4::int then at::date + 5 when n % 10 = 0 then current_date - 1 - n / 10 % 20
    else current_date + n % 15 end, 3,
  case when n > $4::int then 'sealed' when n % 20 < 8 then 'draft' when n % 20 < 10 then 'returned'
    when n % 20 < 17 then 'submitted' else 'approved' end,
  at + interval '1 hour', case n % 3 when 0 then $2::text else 'a-somebodyelse' || n % 7 end, 'in_person', $2::text, at,
  '核对户籍人口', 'in_person', at, 'p-' || o || n, '周**', sha256(('holder' || n % 700)::bytea),
  decode(repeat(md5(o || n), 10), 'hex'),
  'data-1'
from unnest($1::text[]) o, generate_series(1, $3::int) n,
  lateral (select now() - interval '1 minute' * (n * 7 + case when n > $4::int then 40000 else 0 end)) moment (at)
"""
EVENTS = """
insert into proof_request_event (request_id, version, act, state, account, person, at, identity_how, consent_what,
  consent_how, approval_id, key, digest)
select r.id, e.version, e.act, e.state, r.handler, '林晓芸', r.opened_at,
  case e.act when 'identify' then 'in_person' end,
  case e.act when 'open' then r.consent_what end, case e.act when 'open' then r.consent_how end,
  case e.act when 'submit' then r.approval_id end, e.act, r.digest
from proof_request r, (values (1, 'open', 'draft'), (2, 'identify', 'draft'), (3, 'submit', 'submitted'))
  e (version, act, state)
where r.organ = any ($1::text[]) and r.key like r.organ || '%'
  and r.state = 'submitted'
"""
OPEN = """
insert into proof_open (scope, kind, due, number)
select scope, k.kind, r.due, count(*)
from proof_request r join organ o on o.uscc = r.organ, unnest(proof_scopes(o)) scope,
  lateral (values (''), (r.type_id)) k (kind)
where r.organ = any ($1::text[]) and r.key like r.organ || '%' and r.turn is not null
group by scope, k.kind, r.due
on conflict (scope, kind, due) do update set number = proof_open.number + excluded.number
"""
TOTALS = """
insert into proof_total (kind, scope, day, counts)
select k, s, current_date - d, array_fill($3::int * ($2::int + 1 - d), array[97])
from (select distinct unnest(proof_scopes(o)) from organ o where uscc = any ($1::text[])) scopes (s),
  unnest(array['', 'tiered-water-proof', 'grave-relocation-proof', 'house-alteration-proof',
    'water-power-connection-proof', 'public-rental-housing-proof', 'no-criminal-record-proof', '-']) k,
  generate_series(0, $2::int) d
on conflict do nothing
"""


async def seed_village(connection: asyncpg.Connection, organs: Sequence[str], handler: str, open_: int) -> None:
    """So many open requests in each of the organs, and what went before them."""
    await connection.execute(PAST_GUARDS)
    await connection.execute(REQUESTS, organs, handler, open_ + CLOSED, open_)
    await connection.execute(EVENTS, organs)
    await connection.execute(OPEN, organs)
    await connection.execute(TOTALS, organs, TOTAL_DAYS, 1)


async def seed_town(
    connection: asyncpg.Connection, number: int, town: str, villages: Sequence[str], handler: str, open_: int
) -> None:
    """A town with its villages, each with so many open requests."""
    await connection.execute(PAST_GUARDS)
    await connection.execute(TOWN, town, number)
    await connection.execute(ORGANS, villages, town, 1000 * (1 + number))
    await seed_village(connection, villages, handler, open_)


@asynccontextmanager
async def loading(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """The server writes as fast as it can, meanwhile."""
    try:
        for setting in LOADING:
            await connection.execute(f"alter system set {setting}")
        await connection.execute("select pg_reload_conf()")
        yield
    finally:
        for setting in LOADING:
            await connection.execute(f"alter system reset {setting.partition(' ')[0]}")
        await connection.execute("select pg_reload_conf()")


async def settle_database(connection: asyncpg.Connection) -> None:
    """As autovacuum leaves it after a while."""
    for table in ("proof_request", "proof_request_event", "proof_total", "proof_open", "proof_fact", "organ"):
        await connection.execute(f"vacuum analyze {table}")
