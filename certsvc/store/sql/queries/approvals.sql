-- name: ask
-- A request that waits for persons; no row when this client has one of this key.
insert into approval (id, client, key, digest, act, type_id, seals, area, slot, ref, sealed_request, payload_key_id,
  needed, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (client, key) do nothing returning id

-- name: by_key
-- The request of this name.
select id, digest from approval where client = $1 and key = $2

-- name: approval
-- A request as it stands.
select * from approval where id = $1

-- name: lock
-- One decision at a time.
select * from approval where id = $1 for no key update

-- name: decisions
-- What persons said of requests, in the order of saying it.
select approval_id, person, approves, reason, at from approval_decision where approval_id = any($1::text[]) order by at, person

-- name: decide
-- A person says something; no row when they said it before.
insert into approval_decision (approval_id, person, client, approves, reason, at) values ($1, $2, $3, $4, $5, $6)
on conflict (approval_id, person) do nothing returning person

-- name: move
-- It goes on to another state.
update approval set state = $2, decided_at = coalesce(decided_at, $3), result = coalesce($4::jsonb, result) where id = $1

-- name: seen
-- Requests of client $1, and those within the reach of scopes ($2 types, $3 areas, in step), in state $4 (null: any),
-- oldest first, after ($5, $6).
select * from approval a
where (a.client = $1 or exists (
    select from unnest($2::text[], $3::text[]) reach(type_id, area)
    where reach.type_id in ('*', a.type_id) and (reach.area = '*' or starts_with(a.area, reach.area))))
  and ($4::text is null or a.state = $4)
  and ($5::timestamptz is null or (a.asked_at, a.id) > ($5, $6))
order by a.asked_at, a.id
limit $7
