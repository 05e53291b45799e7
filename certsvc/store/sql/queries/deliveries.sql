-- name: hook
-- A web-hook that is to be told, with its secrets and whether its owner may still be told.
select h.*, c.state = 'active' and scopes_name(c.scopes, 'notify') as owner_may
from webhook h join client c on c.name = h.client
where h.id = $1 and h.state = 'active'

-- name: due
-- What is due to a web-hook, for longest first, and whether its owner may still know of it.
select d.*, n.position, n.at, n.kind, n.data, n.ref,
  d.notice_id is null or may_be_told(n, h.client, c.scopes) as owner_may
from webhook_delivery d
join webhook h on h.id = d.webhook_id
join client c on c.name = h.client
left join notice n on n.id = d.notice_id
where d.webhook_id = $1 and d.state = 'pending' and d.due_at <= $2
order by d.due_at, d.id limit $3

-- name: is_any_due
-- Whether something is due to a web-hook.
select exists (select from webhook_delivery where webhook_id = $1 and state = 'pending' and due_at <= $2)

-- name: hooks_with_due
-- The web-hooks that something is due to now and that no worker is told of.
select h.id from webhook h
where h.state = 'active' and (h.rests_until is null or h.rests_until <= $1)
  and exists (select from webhook_delivery d where d.webhook_id = h.id and d.state = 'pending' and d.due_at <= $1)
  and not exists (select from job where job.kind = $2 and job.key = h.id)

-- name: begin
-- An attempt is made; its number, and none when the delivery is not on its way any more.
update webhook_delivery set attempts = attempts + 1, tries = tries + 1 where id = $1 and state = 'pending'
returning attempts

-- name: insert_attempt
-- An attempt, before it is made.
insert into webhook_attempt (delivery_id, number, begun_at) values ($1, $2, $3)

-- name: end_attempt
-- What came of it.
update webhook_attempt set took_ms = $3, status = $4, trouble = $5, answer = $6
where delivery_id = $1 and number = $2

-- name: lock
-- A web-hook as it stands when an attempt has ended, and nobody else changes it.
select * from webhook where id = $1 for no key update

-- name: end_delivery
-- It arrived, or was tried for the last time.
update webhook_delivery set state = $2, ended_at = $3 where id = $1 and state = 'pending'

-- name: put_off
-- It is tried again.
update webhook_delivery set due_at = $2 where id = $1 and state = 'pending'

-- name: recovered
-- The receiver answers well.
update webhook set failures = 0, failing_since = null, rests_until = null where id = $1 and failures > 0

-- name: failing
-- The receiver failed once more, and is left alone for a while.
update webhook set failures = $2, failing_since = $3, rests_until = $4 where id = $1

-- name: disable
-- No more is sent there.
update webhook set state = 'disabled', disabled_why = $2 where id = $1

-- name: give_up
-- What was on its way to a web-hook goes no further; how much.
with given_up as (
  update webhook_delivery set state = 'failed', ended_at = $2 where webhook_id = $1 and state = 'pending' returning id)
select count(*) from given_up

-- name: tidy
-- Deliveries that ended before $1 are forgotten, with their attempts, at most so many at once; how many.
with old as (
  delete from webhook_delivery
  where id in (select id from webhook_delivery where ended_at < $1 order by ended_at limit $2)
  returning id)
select count(*) from old
