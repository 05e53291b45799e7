-- name: lock_client
-- One at a time changes what a client has.
select name from client where name = $1 for no key update

-- name: count
-- How many web-hooks a client has.
select count(*) from webhook where client = $1 and state <> 'removed'

-- name: find_request
-- What a request was for, if it came before.
select digest, webhook_id from webhook_request where client = $1 and key = $2

-- name: insert_request
-- A request was done.
insert into webhook_request (client, key, digest, webhook_id) values ($1, $2, $3, $4)

-- name: insert
-- A web-hook with its secret.
insert into webhook (id, client, url, kinds, made_at, sealed_secret, secret_key_id) values ($1, $2, $3, $4, $5, $6, $7)

-- name: find
-- A web-hook of a client.
select * from webhook where client = $1 and id = $2 and state <> 'removed'

-- name: lock
-- The same, and nobody else changes it.
select * from webhook where client = $1 and id = $2 and state <> 'removed' for no key update

-- name: list
-- The web-hooks of a client, oldest first.
select * from webhook where client = $1 and state <> 'removed' order by made_at, id

-- name: change
-- Another address, other kinds, another state. Made active, it begins without failures.
update webhook set url = $2, kinds = $3, state = $4, disabled_why = $5,
  failures = case when $6 then 0 else failures end,
  failing_since = case when $6 then null else failing_since end,
  rests_until = case when $6 then null else rests_until end
where id = $1

-- name: rotate
-- Another secret; the one it had signs too, until $4.
update webhook set sealed_secret = $2, secret_key_id = $3, old_sealed_secret = sealed_secret,
  old_secret_key_id = secret_key_id, old_secret_until = $4
where id = $1

-- name: remove
-- It is no more, and its secrets are forgotten.
update webhook set state = 'removed', disabled_why = null, sealed_secret = null, secret_key_id = null,
  old_sealed_secret = null, old_secret_key_id = null, old_secret_until = null
where id = $1

-- name: give_up
-- What was on its way to a web-hook goes no further.
update webhook_delivery set state = 'failed', ended_at = $2 where webhook_id = $1 and state = 'pending'

-- name: rest_no_more
-- A receiver that is left alone after failures is tried now.
update webhook set rests_until = $2 where id = $1 and rests_until > $2

-- name: ping
-- A message that tells nothing.
insert into webhook_delivery (webhook_id, made_at, due_at) values ($1, $2, $2) returning id

-- name: replay
-- A delivery begins anew, unless it is on its way.
update webhook_delivery set state = 'pending', ended_at = null, due_at = $3, tries = 0
where webhook_id = $1 and id = $2 and state <> 'pending'

-- name: replay_since
-- What happened since $3 and a client may know goes to its web-hook again, where it is not on its way; how much.
with again as (
  insert into webhook_delivery (webhook_id, notice_id, made_at, due_at)
  select h.id, n.id, $4, $4
  from webhook h
  join client c on c.name = h.client
  join notice n on n.position is not null and n.at >= $3 and (h.kinds is null or n.kind = any(h.kinds))
    and may_be_told(n, h.client, c.scopes)
  where h.id = $1 and h.client = $2
  order by n.position limit $5
  on conflict (webhook_id, notice_id) do update
    set state = 'pending', ended_at = null, due_at = excluded.due_at, tries = 0
    where webhook_delivery.state <> 'pending'
  returning id)
select count(*) from again

-- name: deliveries
-- Deliveries of a web-hook older than $3, newest first, in the state $2 if any.
select d.*, n.position, n.at, n.kind, n.data, n.ref
from webhook_delivery d left join notice n on n.id = d.notice_id
where d.webhook_id = $1 and ($2::text is null or d.state = $2) and ($3::bigint is null or d.id < $3)
order by d.id desc limit $4

-- name: delivery
-- One delivery of a web-hook.
select d.*, n.position, n.at, n.kind, n.data, n.ref
from webhook_delivery d left join notice n on n.id = d.notice_id
where d.webhook_id = $1 and d.id = $2

-- name: attempts
-- The last attempts of deliveries, newest first.
select a.* from unnest($1::bigint[]) as asked (id)
cross join lateral (
  select * from webhook_attempt where delivery_id = asked.id order by number desc limit $2) a
order by a.delivery_id, a.number desc
