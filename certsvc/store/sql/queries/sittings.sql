-- name: see
-- Somebody is shown a request, if it is still the version $3.
insert into proof_seen (account, request_id, version, seen_at)
select $1, id, version, $4 from proof_request where id = $2 and version = $3
on conflict (account, request_id, version) do nothing

-- name: mark
-- They agree to what they saw, or ($4 null) take that back; no row when they have not seen it.
update proof_seen set agreed_at = $4 where account = $1 and request_id = $2 and version = $3 returning request_id

-- name: seen
-- Which of the requests $2, as they stand now, somebody has seen, and when they agreed.
select v.request_id, v.agreed_at from proof_seen v join proof_request r on r.id = v.request_id and r.version = v.version
where v.account = $1 and v.request_id = any($2::text[])

-- name: cancelling
-- Proofs of the organ $1 that wait to be cancelled, for an approver $2, for longest first.
select r.*, handler.name as handler_name, checked.name as identity_by_name, asked.state as outcome
from (
  select id, organ, type_id, origin, opened_at, due, corrects_ref, version, state, changed_at, handler, identity_how,
    identity_by, identity_at, consent_what, consent_how, consent_at, approval_id, cancel_approval_id, shown, holder_hash,
    null::bytea as sealed, null::text as key_id
  from proof_request one
  where one.organ = $1 and one.state = 'sealed' and one.cancel_approval_id is not null and not is_maker(one.id, $2)
    and exists (select from approval a where a.id = one.cancel_approval_id and a.state = 'waiting'
      and a.client <> (select name from account where id = $2))
  order by one.changed_at, one.id limit $3) r
left join account handler on handler.id = r.handler
left join account checked on checked.id = r.identity_by
left join approval asked on asked.id = r.approval_id
order by r.changed_at, r.id

-- name: confirmed
-- What was confirmed under this key.
select confirmation, what from proof_confirmation where account = $1 and key = $2

-- name: confirm
-- What is confirmed goes on record; the trigger compares it with the confirmation.
insert into proof_confirmation (confirmation, account, key, what, at) values ($1, $2, $3, $4, $5)

-- name: confirmation
-- What somebody confirmed by this.
select confirmation, what from proof_confirmation where account = $1 and confirmation = $2

-- name: became
-- What was done next to each of the requests $1, that were seen as version $2.
select one.id as request_id, r.type_id, r.shown, e.act, e.person, e.at, e.confirmation
from unnest($1::text[], $2::integer[]) as one (id, seen)
join proof_request r on r.id = one.id
left join proof_request_event e on e.request_id = one.id and e.version = one.seen + 1

-- name: same_of_holder
-- How many proofs of this type the organ has given the same holder since $4, but for this request.
select count(*) from proof_request one
where one.organ = $1 and one.type_id = $2 and one.holder_hash = $3 and one.id <> $5 and one.state = 'sealed'
  and one.changed_at >= $4

-- name: seal_of
-- The seal of an organ: whether it is in use, and who has to open it.
select seal.state, seal.keeper, seal.needs_authorisation from organ join seal on seal.id = organ.seal_id
where organ.uscc = $1
