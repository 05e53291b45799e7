-- name: client
-- A client with all its keys, in the order in which they were added; no row when it is not known.
select c.id, c.name, c.kind, c.organisation, c.scopes, c.state, c.registered_at, k.kid, k.thumbprint, k.jwk,
  k.not_before, k.not_after
from client c join client_key k on k.client_id = c.id
where c.id = $1
order by k.added_by, k.kid

-- name: clients
-- Every client with all its keys, by name.
select c.id, c.name, c.kind, c.organisation, c.scopes, c.state, c.registered_at, k.kid, k.thumbprint, k.jwk,
  k.not_before, k.not_after
from client c join client_key k on k.client_id = c.id
order by c.name, k.added_by, k.kid

-- name: client_of_name
-- The id of the client that acts under a name.
select id from client where name = $1

-- name: lock_client
-- One change of a client at a time; no row when it is not known.
select id from client where id = $1 for no key update

-- name: insert_client
-- A client is put on record; no row when its name is taken.
insert into client (id, name, kind, organisation, scopes, registered_at) values ($1, $2, $3, $4, $5, $6)
on conflict (name) do nothing
returning id

-- name: insert_client_event
-- What is done to a client; its scopes and its state follow.
insert into client_event (client_id, act, actor, at, reason, scopes) values ($1, $2, $3, $4, $5, $6) returning id

-- name: insert_client_key
-- A key comes; no row when it is another client's, or was.
insert into client_key (client_id, kid, thumbprint, jwk, not_before, added_by) values ($1, $2, $3, $4, $5, $6)
on conflict (thumbprint) do nothing
returning kid

-- name: end_client_key
-- A key is to vouch no longer from then on.
update client_key set not_after = $3, ended_by = $4 where client_id = $1 and kid = $2

-- name: client_events
-- Everything done to a client, in the order of recording, with the keys that came and those that were given an end.
select e.act, e.actor, e.at, e.reason, e.scopes,
  array(select k.kid from client_key k where (k.client_id, k.added_by) = (e.client_id, e.id) order by k.kid) as added,
  array(select k.kid from client_key k where (k.client_id, k.ended_by) = (e.client_id, e.id) order by k.kid) as ended
from client_event e
where e.client_id = $1
order by e.id

-- name: use_assertion
-- An assertion is used; no row when it was before.
insert into used_assertion (client_id, jti, expires_at) values ($1, $2, $3) on conflict do nothing returning jti

-- name: purge_assertions
-- Those that are past, and would be refused for that.
delete from used_assertion where expires_at < $1
