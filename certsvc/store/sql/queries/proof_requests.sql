-- name: open
-- A request comes in; no row when who opens it sent this before.
insert into proof_request (id, organ, type_id, origin, opened_by, key, digest, opened_at, changed_at, code_hash, due,
  corrects_slot, corrects_ref, shown, holder_hash, sealed, key_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, coalesce($10::date, 'infinity'), $11, $12, $13, $14, $15, $16)
on conflict (opened_by, key) do nothing returning id

-- name: opened
-- The request that was opened so.
select id, digest from proof_request where opened_by = $1 and key = $2

-- name: request
-- A request with its content, and what came of its approval.
select r.*, handler.name as handler_name, checked.name as identity_by_name, asked.state as outcome
from proof_request r
left join account handler on handler.id = r.handler
left join account checked on checked.id = r.identity_by
left join approval asked on asked.id = r.approval_id
where r.id = $1

-- name: of_code
-- The request that is followed by a code.
select id from proof_request where code_hash = $1

-- name: of_number
-- The newest request of the organ $1 that became a proof with the printed number $2, or was to.
select r.id from certificate c
join issue_order o on o.slot = c.slot and o.ref = c.ref
join proof_request r on r.approval_id = o.key
where c.number = $2 and r.organ = $1
order by c.version desc limit 1

-- name: lock
-- One act at a time.
select id, version, state, approval_id, cancel_approval_id from proof_request where id = $1 for no key update

-- name: acted
-- What was done under this key.
select version, digest from proof_request_event where request_id = $1 and key = $2

-- name: act
-- An act goes on record; the triggers look at it, and move the request.
insert into proof_request_event (request_id, version, act, state, account, person, at, reason, identity_how,
  consent_what, consent_how, approval_id, key, digest, confirmation)
values ($1, $2, $3, '', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: others
-- Other persons are named, whatever they are found by: for a moment that is of nobody, so that with the one before goes
-- how they were seen, and what they agreed to.
update proof_request set holder_hash = sha256(sealed) where id = $1

-- name: content
-- What a request says, anew.
update proof_request set sealed = $2, key_id = $3, shown = $4, holder_hash = $5 where id = $1

-- name: events
-- Everything that happened to a request, in order.
select version, act, state, account, person, at, reason, identity_how, approval_id from proof_request_event
where request_id = $1 order by version

-- name: makers
-- Who had a hand in it, and therefore never approves it.
select distinct account from proof_request_event
where request_id = $1 and account is not null
  and act in ('open', 'save', 'attach', 'detach', 'identify', 'submit', 'reopen')
union
select account from proof_doubt_check where request_id = $1

-- name: rounds
-- The approvals that a request was put before, the newest first.
select approval_id from proof_request_event where request_id = $1 and act = 'submit' order by version desc limit $2

-- name: last_of_holder
-- The newest approval of another request for the same holder that became a certificate.
select one.approval_id from proof_request one
where one.organ = $1 and one.type_id = $2 and one.holder_hash = $3 and one.id <> $4
  and one.state in ('sealed', 'cancelled')
order by one.changed_at desc limit 1

-- name: inbox
-- Open requests of the organ $1 in the turns $2 that wait for the account $3 (a clerk if $7, an approver if $8), or
-- with $9 false the others; what is due first comes first, after ($4, $5). What could not be sealed waits for a clerk,
-- and what one had who is none any more on $10 for each of them.
select r.*, handler.name as handler_name, checked.name as identity_by_name, asked.state as outcome
from unnest($2::text[]) as whose (turn)
cross join lateral (
  select id, organ, type_id, origin, opened_at, due, corrects_ref, version, state, changed_at, handler, identity_how,
    identity_by, identity_at, consent_what, consent_how, consent_at, approval_id, cancel_approval_id, shown, holder_hash,
    null::bytea as sealed, null::text as key_id
  from proof_request one
  where one.organ = $1 and one.turn = whose.turn and (one.due, one.id) > ($4::date, $5::text)
    and $9 = case one.turn
      when 'clerk' then $7 and (one.handler = $3 or one.handler is null or one.handler <> all (array(
        select held.account from appointment held
        where held.organ = $1 and held.duty = 'clerk' and has_duty($1, held.account, 'clerk', $10::date))))
      when 'approver' then $8 and not is_maker(one.id, $3)
      else $7 and exists (select from approval a where a.id = one.approval_id and a.state = 'failed') end
  order by one.due, one.id
  limit $6) r
left join account handler on handler.id = r.handler
left join account checked on checked.id = r.identity_by
left join approval asked on asked.id = r.approval_id
order by r.due, r.id
limit $6

-- name: ended
-- Requests of the organ $1 that are nobody's turn any more, the newest first, before ($2, $3); at most $4.
select r.id, r.organ, r.type_id, r.origin, r.opened_at, r.due, r.corrects_ref, r.version, r.state, r.changed_at, r.handler,
  r.identity_how, r.identity_by, r.identity_at, r.consent_what, r.consent_how, r.consent_at, r.approval_id,
  r.cancel_approval_id, r.shown, r.holder_hash, null::bytea as sealed, null::text as key_id,
  handler.name as handler_name, checked.name as identity_by_name, asked.state as outcome
from proof_request r
left join account handler on handler.id = r.handler
left join account checked on checked.id = r.identity_by
left join approval asked on asked.id = r.approval_id
where r.organ = $1 and r.turn is null and r.state <> 'new' and (r.changed_at, r.id) < ($2::timestamptz, $3::text)
order by r.changed_at desc, r.id desc
limit $4

-- name: progress
-- What may be said of a request to who has its code.
select r.type_id, organ.name as organ_name, r.origin, r.state, asked.state as outcome, r.version, r.opened_at,
  r.changed_at, r.due, case when r.state = 'returned' then newest.reason end as reason,
  case when r.state = 'approved' then seal_wait.reason end as waits
from proof_request r
join organ on organ.uscc = r.organ
left join approval asked on asked.id = r.approval_id
left join issue_order reserved on reserved.client = asked.client and reserved.key = asked.id
left join seal_wait on seal_wait.slot = reserved.slot and seal_wait.ref = reserved.ref
left join lateral (
  select e.reason from proof_request_event e where e.request_id = r.id and e.act in ('return', 'reopen')
  order by e.version desc limit 1) newest on true
where r.code_hash = $1

-- name: lapsed
-- Drafts that nobody touched since $1, at most $2.
select id, version from proof_request where state in ('draft', 'returned') and changed_at < $1 and erased_at is null
order by changed_at limit $2 for no key update skip locked

-- name: erase
-- What requests say is erased at $2, of those that ended before $1; at most $3.
with due as (
  select id from proof_request r
  where r.erased_at is null and r.changed_at < $1 and (r.state in ('sealed', 'withdrawn', 'cancelled')
    or r.state = 'approved' and exists (select from approval a where a.id = r.approval_id and a.state = 'failed'))
  order by r.changed_at limit $3 for no key update skip locked)
update proof_request r set sealed = null, key_id = null, shown = null, holder_hash = null, erased_at = $2
from due where r.id = due.id returning r.id

-- name: erase_rounds
-- With them goes what was put before those who approve.
update approval set sealed_request = ''
where id in (select approval_id from proof_request_event where request_id = any($1::text[]))
