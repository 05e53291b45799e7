-- name: enrolled_seal
-- How far a seal on record has come. No row for another owner or picture.
select state from seal where id = $1 and (owner, owner_uscc, design) = ($2, $3, $4::jsonb)

-- name: apply_for_seal
-- A seal is applied for; no row when there is one of this id.
insert into seal (id, owner, owner_uscc, design, picture, rank, enrolled_at, certificate_types, page, x_mm, y_mm,
  daily_quota, opens_minute, closes_minute, weekdays_only, applicant, manager, keeper, auditor,
  needs_authorisation)
values ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict (id) do nothing returning state

-- name: lock_seal
-- One writer at a time for the life of a seal.
select state from seal where id = $1 for no key update

-- name: seal_state
-- How far a seal has come.
select state from seal where id = $1

-- name: seals
-- Seals as they stand, and how often each was used since $2 and in all; all of them without $1.
select seal.*,
  (select count(*) from seal_use u where u.seal_id = seal.id and u.intended_at >= $2) as uses_today,
  (select count(*) from seal_use u where u.seal_id = seal.id) as uses
from seal where $1::text is null or id = $1 order by id

-- name: seals_with_keys
-- Seals that have a key, be they enabled now or not. Nothing is counted: there may be a hundred million uses.
select * from seal where state in ('made', 'enabled', 'suspended') order by id

-- name: unfinished_seals
-- Seals whose key is still to be made or destroyed.
select id from seal where state in ('making', 'destroying') order by id

-- name: find_seal_event
-- What a request to act was given, if it came before.
select * from seal_event where client = $1 and key = $2

-- name: insert_seal_event
-- An act on a seal: triggers see whether it is allowed, and change the seal. No row when the key was used before.
insert into seal_event (seal_id, act, state, actor, at, reason, successor, confirmed_by, certificate, client, key, digest,
  rules)
values ($1, $2, '', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
on conflict (client, key) do nothing returning *

-- name: seal_events
-- The life of a seal, in the order of recording.
select * from seal_event where seal_id = $1 order by id

-- name: seal_uses
-- The newest uses of a seal, or the next older than the use $2: when, by whom, for what, over which digest.
select u.id, u.intended_at, u.actor, u.ref, u.request_id, u.layout, u.digest, u.page, u.x_mm, u.y_mm, c.type_id,
  c.number, c.issued_at is not null or r.state is not distinct from 'done' as issued
from seal_use u left join certificate c using (slot, ref) left join sealing_request r on r.id = u.request_id
where u.seal_id = $1
  and ($2::bigint is null or (u.intended_at, u.id) < (select b.intended_at, b.id from seal_use b where b.id = $2))
order by u.intended_at desc, u.id desc limit $3

-- name: book_seal_use
-- The intent to use a seal, with the digest of what it will sign: the trigger sees whether its rules allow it.
insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
select slot, ref, $3, $4, $5, $6, $7, $8, $9, $10 from certificate where slot = $1 and ref = $2
returning id
