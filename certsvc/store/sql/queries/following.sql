-- name: licence_of
-- The licence that a typed code leads to, in its first version, if it leads to one.
select root_ref from public_certificate where slot = $1 and ref = $2 and category = 'licence'

-- name: lock_address
-- One request about an address at a time.
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 4711))

-- name: count_requests
-- Mails of confirmation asked for since $4: to the address $1, and about the licence $3 of slot $2.
select count(*) filter (where address_hash = $1) as by_address,
  count(*) filter (where slot = $2 and ref = $3) as by_licence
from follow_request
where at > $4 and (address_hash = $1 or (slot = $2 and ref = $3))

-- name: note_request
-- One more.
insert into follow_request (slot, ref, address_hash, at) values ($1, $2, $3, $4)

-- name: following_now
-- What the address $1 follows or asked to: that of the licence $3 of slot $2 first.
select id, confirmed_at, count(*) over () as many, slot = $2 and ref = $3 as this_one from follower
where address_hash = $1 and ended_at is null order by slot = $2 and ref = $3 desc limit 1

-- name: insert_follower
-- Somebody wants to follow a licence.
insert into follower (id, slot, ref, address_hash, sealed, key_id, language, asked_at, confirm_hash, confirm_until,
  stop_hash, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10)

-- name: drop_unconfirmed
-- An earlier request that was not confirmed gives way to the next: its links do nothing any more.
update follower set ended_at = $2, ended_why = 'not_confirmed', sealed = null, key_id = null, confirm_hash = null,
  confirm_until = null
where id = $1 and ended_at is null and confirmed_at is null

-- name: insert_mail
-- A mail to send.
insert into following_mail (follower_id, kind, made_at) values ($1, $2, $3)

-- name: by_confirm
-- Whose one-time secret this is, as long as it is good.
select slot, ref, language, confirmed_at, ended_at, expires_at from follower
where confirm_hash = $1 and confirm_until > $2 and ended_at is null

-- name: confirm
-- The address is confirmed, or following goes on; the secret is used up.
update follower set confirmed_at = coalesce(confirmed_at, $2), expires_at = $3, confirm_hash = null,
  confirm_until = null, reminded_at = null
where confirm_hash = $1 and confirm_until > $2 and ended_at is null
returning slot, ref, language, confirmed_at, ended_at, expires_at

-- name: by_stop
-- Whose secret to stop this is.
select slot, ref, language, confirmed_at, ended_at, expires_at from follower where stop_hash = $1

-- name: stop
-- Following ends, and the address goes.
update follower set ended_at = $2, ended_why = 'stopped', sealed = null, key_id = null, confirm_hash = null,
  confirm_until = null, due_at = null
where stop_hash = $1 and ended_at is null

-- name: lock_following_end
-- The last notice that followers were told of; whoever asks looks for the next ones, alone.
select position from following_end for update

-- name: end_of_notices
-- The last notice that has its place.
select position from notice_end

-- name: case_notices
-- What notices from after $1 up to $2 say of parts of cases that are not at an issue: which tells itself.
select position, at, data ->> 'case' as code, data ->> 'type' as type_id, coalesce(data ->> 'state', 'waiting') as state
from notice
where position > $1 and position <= $2 and data ? 'type'
  and kind in ('case.part_opened', 'case.resubmitted', 'case.returned', 'case.part_decided')
  and data ->> 'state' is distinct from 'issued'

-- name: spread
-- What notices from after $1 up to $2 tell the followers of each licence: of certificates, with the state that was
-- before, and of what is applied for under it ($4 to $9: positions, instants, slots, cases, types and states of parts).
-- Told is who had confirmed by then, give or take what a transaction lasts; $3 is now.
with changed as (
  select n.position, n.at, one.slot, one.root_ref as ref,
    jsonb_strip_nulls(jsonb_build_object('type_id', n.data ->> 'type', 'act', n.data ->> 'act',
      'after', n.data ->> 'status', 'effective', n.data ->> 'effective', 'code', encode(n.ref, 'hex'),
      'before', (select e.status from event e
        where e.slot = n.slot and e.ref = n.ref and e.id < (n.data ->> 'event')::bigint
        order by e.id desc limit 1))) as change
  from notice n
  join certificate one on one.slot = n.slot and one.ref = n.ref and one.category <> 'proof'
  where n.position > $1 and n.position <= $2 and n.ref is not null and n.data ? 'event'
  union all
  select part.position, part.at, c.licence_slot, c.licence_ref,
    jsonb_build_object('type_id', part.type_id, 'after', part.state)
  from unnest($4::bigint[], $5::timestamptz[], $6::smallint[], $7::bytea[], $8::text[], $9::text[])
    as part (position, at, slot, ref, type_id, state)
  join application_case c on c.slot = part.slot and c.ref = part.ref and c.licence_ref is not null),
told as (
  insert into followed_change (follower_id, position, change)
  select f.id, changed.position, changed.change
  from changed
  join follower f on f.slot = changed.slot and f.ref = changed.ref
    and f.confirmed_at is not null and f.ended_at is null and f.confirmed_at <= changed.at + interval '10 minutes'
  order by changed.position
  on conflict (follower_id, position) do nothing
  returning follower_id)
update follower set due_at = greatest($3::timestamptz, told_at + interval '1 day')
where id in (select follower_id from told) and due_at is null

-- name: move_following_end
-- So far followers were told.
update following_end set position = $1

-- name: lock_terms_end
-- The day up to which followers were told of terms that ended; whoever asks tells of the next ones, alone.
select terms_until from following_end for update

-- name: spread_terms
-- What followers are told of terms whose last day was from $1 to before $2, of sheets whose state, one of $4, ended by that.
-- $3 is now.
with told as (
  insert into followed_change (follower_id, change)
  select f.id, jsonb_build_object('type_id', one.type_id, 'after', 'term_over', 'effective', one.valid_to,
    'code', encode(one.ref, 'hex'))
  from follower f
  join certificate one on one.slot = f.slot and one.root_ref = f.ref
    and one.valid_to >= $1 and one.valid_to < $2 and one.category <> 'proof' and one.issued_at is not null
  where f.ended_at is null and f.confirmed_at < (one.valid_to + 1)::timestamp at time zone 'Asia/Shanghai'
    and exists (select from status_period p
      where p.slot = one.slot and p.ref = one.ref and upper_inf(p.known) and p.valid @> one.valid_to + 1
        and p.status = any($4::text[]))
  order by one.valid_to, one.ref
  returning follower_id)
update follower set due_at = greatest($3::timestamptz, told_at + interval '1 day')
where id in (select follower_id from told) and due_at is null

-- name: move_terms_end
-- So far followers were told of terms that ended.
update following_end set terms_until = $1

-- name: due_followers
-- Who may be told now, for longest first, at most $2.
select id from follower where due_at <= $1 and ended_at is null order by due_at limit $2 for update skip locked

-- name: take_changes
-- What a follower is to be told, in order, at most $2; it goes into a mail.
delete from followed_change
where id in (select id from followed_change where follower_id = $1 order by id limit $2)
returning id, change

-- name: mail_changes
-- A mail that tells changes.
insert into following_mail (follower_id, kind, changes, made_at) values ($1, 'changes', $2::jsonb, $3)

-- name: told
-- A follower was told at $2; what is left over, or comes, is told a day later.
update follower f set told_at = $2::timestamptz,
  due_at = case when exists (select from followed_change c where c.follower_id = f.id) then $2::timestamptz + interval '1 day' end
where id = $1

-- name: expiring
-- Who is to be asked whether to go on: nobody was asked yet, and it ends before $1.
select id, slot, ref, language, sealed, key_id, expires_at, '' as type_id from follower
where expires_at <= $1 and confirmed_at is not null and ended_at is null and reminded_at is null
order by expires_at limit $2

-- name: remind
-- A follower is asked whether to go on, with a fresh one-time secret that is good until it ends.
update follower set reminded_at = $2, sealed = $3, key_id = $4, confirm_hash = $5, confirm_until = expires_at
where id = $1 and reminded_at is null and ended_at is null

-- name: expire
-- What came to its end, or was not confirmed in time; the address goes.
update follower set ended_at = $1,
  ended_why = case when confirmed_at is null then 'not_confirmed' else 'expired' end,
  sealed = null, key_id = null, confirm_hash = null, confirm_until = null, due_at = null
where expires_at <= $1 and ended_at is null

-- name: purge_followers
-- What ended before $1, with its mails.
delete from follower where ended_at <= $1

-- name: purge_requests
-- Counts that count no more.
delete from follow_request where at <= $1

-- name: purge_mails
-- Mails that came to an end before $1.
delete from following_mail where ended_at <= $1

-- name: queue_mails
-- Mails that are in no queue yet, at most $2: they go into it now.
update following_mail set queued_at = $1
where id in (select id from following_mail where queued_at is null order by id limit $2 for update skip locked)
returning id

-- name: begin_mail
-- A mail is about to be sent: on record before it is. It was broken off once more if it had begun before.
update following_mail m set begun_at = $2,
  broken_off = case when m.begun_at is null then m.broken_off else least(m.broken_off + 1, 2) end
where m.id = $1 and m.ended_at is null
returning m.kind, m.changes, m.made_at, m.broken_off, m.follower_id

-- name: mail_follower
-- Whom a mail is for, if it is still wanted.
select f.ref, f.language, f.sealed, f.key_id, f.expires_at, f.confirmed_at, c.type_id
from follower f join certificate c on c.slot = f.slot and c.ref = f.ref
where f.id = $1 and f.ended_at is null

-- name: put_off_mail
-- It was not taken for now, and certainly not sent.
update following_mail set begun_at = null where id = $1 and ended_at is null

-- name: end_mail
-- What came of a mail.
update following_mail set ended_at = $2, came = $3 where id = $1 and ended_at is null

-- name: note_taken
-- The receiver's server took a mail: refusals are counted in a row.
update follower set refusals = 0 where id = $1 and refusals > 0

-- name: note_refused
-- The receiver's server refuses the address for good; after $3 times in a row, or before it was confirmed, it ends.
update follower set refusals = refusals + 1,
  ended_at = case when ends then $2::timestamptz end, ended_why = case when ends then 'refused' end,
  sealed = case when not ends then sealed end, key_id = case when not ends then key_id end,
  confirm_hash = case when not ends then confirm_hash end, confirm_until = case when not ends then confirm_until end,
  due_at = case when not ends then due_at end
from (select id as whom, refusals + 1 >= $3::integer or confirmed_at is null as ends from follower where id = $1) known
where id = known.whom and ended_at is null
