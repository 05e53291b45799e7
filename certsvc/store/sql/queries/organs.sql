-- name: put
-- An organ goes on record, or changes: its name, its town, its word and its seal.
insert into organ (uscc, kind, name, town, area, number_word, seal_id) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (uscc) do update set kind = excluded.kind, area = excluded.area, name = excluded.name, town = excluded.town,
  number_word = excluded.number_word, seal_id = excluded.seal_id

-- name: organ
-- An organ.
select * from organ where uscc = $1

-- name: organs
-- All organs, the villages of a town together.
select * from organ order by coalesce(town, uscc), kind, uscc

-- name: some
-- Organs of these codes.
select * from organ where uscc = any ($1::text[])

-- name: under
-- The organs directly under the one $1 of kind $2 and area $3: a town's villages, a city's towns and what has no town.
select * from organ
where $2 = 'town' and town = $1 or $2 = 'city' and kind <> 'city' and town is null and left(area, 4) = left($3, 4)
order by kind, name, uscc

-- name: lock
-- One handover at a time.
select * from organ where uscc = $1 for no key update

-- name: keeper
-- Who keeps the seal of an organ.
select seal.keeper from organ join seal on seal.id = organ.seal_id where organ.uscc = $1

-- name: seal
-- The seal of an organ as it stands, and who audits it or ever did.
select seal.id, seal.state, seal.applicant, seal.approver, seal.manager, seal.keeper, seal.auditor, seal.needs_authorisation,
  array(select seal.auditor::text union select e.predecessor::text from seal_event e
    where e.seal_id = seal.id and e.act = 'replace_auditor' and e.predecessor is not null) as audits
from organ join seal on seal.id = organ.seal_id where organ.uscc = $1

-- name: lock_seal
-- A seal that is to pass to another keeper stays as it is looked at.
select from seal where id = $1 for no key update

-- name: appointments
-- Who has or had which duty in an organ, in the order of beginning.
select held.*, account.name as person from appointment held join account on account.id = held.account
where held.organ = $1 order by held.first_day, held.appointed_at, held.id

-- name: held
-- The duties of an account that may sign in on a day, with the organs.
select held.*, account.name as person, organ.kind, organ.name, organ.area, organ.town, organ.number_word, organ.seal_id
from appointment held
join account on account.id = held.account
join organ on organ.uscc = held.organ
where held.account = $1 and account.disabled_at is null and held.first_day <= $2 and (held.last_day is null or held.last_day >= $2)
order by held.organ, held.duty

-- name: handed_over
-- A handover that was done before.
select digest from handover where organ = $1 and key = $2

-- name: person
-- The name of an account that may sign in.
select name from account where id = $1 and disabled_at is null

-- name: accounts
-- Accounts that may sign in, of these names or, without them, all.
select id, name from account where ($1::text[] is null or name = any ($1::text[])) and disabled_at is null

-- name: end
-- An appointment ends with a day.
update appointment set last_day = $2, ended_by = $3, ended_at = $4 where id = $1

-- name: begin
-- An appointment begins.
insert into appointment (id, organ, account, duty, first_day, appointed_by, appointed_at)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: hand_over
-- A handover, whole.
insert into handover (organ, key, digest, day, ended, begun, by, at, reason, account)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
