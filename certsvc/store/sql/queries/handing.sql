-- name: hand_out
-- A secret is handed to somebody; no row when the same form was sent before.
insert into handing_out (request_id, key, digest, account, person, given_to, agent, seen, at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (request_id, key) do nothing returning id

-- name: handed_before
-- What was handed out by the same form.
select digest, account, given_to, agent, seen from handing_out where request_id = $1 and key = $2

-- name: of_request
-- Every handing-out of a request, the newest first, with what came of it.
select one.*,
  (select min(at) from code_try t where t.handing_id = one.id and t.opens is not null) as fetched_at,
  (select count(*) from code_try t where t.handing_id = one.id and t.opens is null
    and not exists (select from code_try o where o.opens = t.id)) as failed
from handing_out one where one.request_id = $1 order by one.id desc

-- name: newest
-- The secret that opens the file of a request, if it ever had one.
select id, digest from handing_out where request_id = $1 order by id desc limit 1

-- name: try
-- A try, on record before it is looked at; refused by a trigger when none is left.
insert into code_try (request_id, handing_id, place, at) values ($1, $2, $3, $4) returning id

-- name: opened
-- What a try opened.
insert into code_try (request_id, handing_id, place, at, opens)
select request_id, handing_id, place, $2, id from code_try where id = $1

-- name: chosen_before
-- Whether a form said before whom the resident agrees is told.
select exists (select from proof_receiver where request_id = $1 and key = $2)

-- name: choose_receiver
-- Whom the resident agrees is told.
insert into proof_receiver (request_id, number, key, receiver, name, client, account, at)
select $1, coalesce((select max(number) from proof_receiver where request_id = $1), 0) + 1, $2, $3, $4, $5, $6, $7

-- name: lock
-- One choice at a time.
select id from proof_request where id = $1 for no key update

-- name: chosen
-- Whom the resident agrees is told, as they said last.
select receiver, name, client, account, at from proof_receiver where request_id = $1 order by number desc limit 1

-- name: told
-- Which organ was told what of a request, in order.
select receiver, name, client, kind, code, at, replaces from proof_told where request_id = $1 order by id
