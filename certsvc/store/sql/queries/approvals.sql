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

-- name: is_cut_off
-- Whether the client that acts under a name is cut off.
select exists (select from client where name = $1 and state = 'cut_off')

-- name: move
-- It goes on to another state.
update approval set state = $2, decided_at = coalesce(decided_at, $3), result = coalesce($4::jsonb, result) where id = $1

-- name: seen
-- Requests of client $1, and those that the scopes $2 let one approve (a village's are decided there), in state $3,
-- oldest first, after ($4, $5).
select * from approval a
where (a.client = $1 or not starts_with(a.key, '村证 ') and (
    select bool_and(scopes_cover($2::text[], 'approve', a.type_id, seal_id, a.area)) from unnest(a.seals) seal_id))
  and a.state = $3
  and ($4::timestamptz is null or (a.asked_at, a.id) > ($4, $5))
order by a.asked_at, a.id
limit $6
