-- name: insert_full_view
-- The hash of the characters that a proof prints, with its issue.
insert into full_view (slot, ref, sealed_digest, key_id) values ($1, $2, $3, $4)

-- name: find_proof
-- A proof that prints six characters, encrypted as it is.
select ref, type_id, type_version, sealed_payload, payload_key_id, sealed_digest, key_id from full_view_proof
where slot = $1 and ref = $2

-- name: insert_try
-- A try, on record before it is known what comes of it; refused by a trigger when none is left.
insert into full_view_event (slot, ref, kind, at, office, purpose, network)
values ($1, $2, 'tried', $3, $4, $5, $6) returning id

-- name: insert_view
-- What a try opened.
insert into full_view_event (slot, ref, kind, tried, at, office, purpose, network)
values ($1, $2, 'viewed', $3, $4, $5, $6, $7)

-- name: insert_refusal
-- That no try was left: once an hour, however often it is tried.
insert into full_view_event (slot, ref, kind, at, office, purpose, network)
select $1::smallint, $2::bytea, 'refused', $3::timestamptz, $4::text, $5::text, $6::bytea
where not exists (
  select from full_view_event
  where slot = $1 and ref = $2 and kind = 'refused' and at > $3 - interval '1 hour')

-- name: next_try_at
-- When there is a try again: an hour after the fifth last.
select at + interval '1 hour' from full_view_event
where slot = $1 and ref = $2 and kind = 'tried' order by at desc, id desc offset 4 limit 1

-- name: views
-- Who has seen it before, the newest first.
select at, office, purpose from full_view_event where slot = $1 and ref = $2 and kind = 'viewed'
order by at desc, id desc limit $3

-- name: failed
-- How many tries of the last 30 days opened nothing.
select count(*) from full_view_event e
where slot = $1 and ref = $2 and kind = 'tried' and at > $3::timestamptz - interval '30 days'
  and not exists (select from full_view_event v where v.tried = e.id)

-- name: purge
-- What has been kept long enough; a view goes with its try.
delete from full_view_event e
where coalesce((select v.at from full_view_event v where v.tried = e.id), e.at) < $1

-- name: known_keys
-- The fingerprints of the keys in use.
select id, fingerprint from data_key where ended_at is null
