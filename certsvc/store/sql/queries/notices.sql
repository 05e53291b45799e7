-- name: tell
-- A notice to the client $3. Its position comes later.
insert into notice (at, kind, client, data) values ($1, $2, $3, $4::jsonb)

-- name: tell_of_part
-- A notice to the client $3, if any, and to all who may decide a part of a case of the type $5 in the area $6.
insert into notice (at, kind, client, data, action, type_id, area) values ($1, $2, $3, $4::jsonb, 'decide', $5, $6)

-- name: tell_of_certificate
-- A notice to the client $3, if any, and to all who may do $7 (read, answer) to the certificate $6: that is the newest
-- version issued, of which the certificate's type and number are told too; no row when there is none.
insert into notice (at, kind, client, data, action, slot, ref, type_id, seal_id, area)
select $1, $2, $3, $4::jsonb || jsonb_build_object('type', newest.type_id, 'number', newest.number), $7, asked.slot,
  asked.ref, newest.type_id, newest.seal_id, substr(newest.issuer_uscc, 3, 6)
from certificate asked
cross join lateral (
  select type_id, number, seal_id, issuer_uscc from certificate one
  where one.slot = asked.slot and one.life_ref = asked.life_ref
  order by one.issued_at is not null desc, one.version desc limit 1) newest
where asked.slot = $5 and asked.ref = $6
returning id

-- name: is_any_new
-- Whether a notice waits for its position.
select exists (select from notice where position is null)

-- name: lock_end
-- The last position given; whoever asks gives the next ones, alone.
select position from notice_end for update

-- name: give_positions
-- Positions after $1 for the notices that are committed and have none, at most $2 of them, in the order of ids.
update notice n set position = $1::bigint + fresh.rank
from (
  select id, row_number() over (order by id) as rank
  from (select id from notice where position is null order by id limit $2) one) fresh
where n.id = fresh.id

-- name: move_end
-- The last position given.
update notice_end set position = $1

-- name: fan_out
-- A delivery of each notice from after $1 up to $2 to every web-hook whose owner may know and wants to, due at $3; the
-- web-hooks.
with fresh as (
  select id, kind, client, action, type_id, seal_id, area from notice where position > $1 and position <= $2),
about as (
  select distinct action, type_id, seal_id, area from fresh where action is not null),
hook as (
  select h.id, h.client, h.kinds, c.scopes
  from webhook h join client c on c.name = h.client
  where h.state in ('active', 'paused') and c.state = 'active' and scopes_name(c.scopes, 'notify')),
allowed as (
  select owner.client, about.*
  from (select distinct client, scopes from hook) owner
  join about on scopes_cover(owner.scopes, about.action, about.type_id, about.seal_id, about.area)),
made as (
  insert into webhook_delivery (webhook_id, notice_id, made_at, due_at)
  select hook.id, fresh.id, $3, $3
  from fresh join hook on hook.kinds is null or fresh.kind = any(hook.kinds)
  where fresh.client = hook.client
    or exists (
      select from allowed a
      where a.client = hook.client and (a.action, a.type_id, a.area) = (fresh.action, fresh.type_id, fresh.area)
        and a.seal_id is not distinct from fresh.seal_id)
  order by fresh.id
  on conflict (webhook_id, notice_id) do nothing
  returning webhook_id)
select distinct webhook_id from made

-- name: end_of_feed
-- The last position given.
select position from notice_end

-- name: read
-- The notices from after $1 up to $2 that the client $3 with the scopes $4 may know, of the kinds $5, at most $6.
select id, position, at, kind, data, ref from notice
where position > $1 and position <= $2 and may_be_told(notice, $3, $4::text[])
  and ($5::text[] is null or kind = any($5::text[]))
order by position limit $6
