-- name: versions
-- Every sheet of the certificate $2 of slot $1, and the days on which each holds as known now.
select c.ref, c.life_ref, c.version, c.issued_at, c.valid_from, c.valid_to, held.since, held.until
from public_certificate asked
join public_certificate c on c.slot = asked.slot and c.life_ref = asked.life_ref
cross join lateral (
  select min(lower(p.valid)) as since, nullif(max(coalesce(upper(p.valid) - 1, 'infinity')), 'infinity') as until
  from status_period p
  where p.slot = c.slot and p.ref = c.ref and p.status <> 'superseded' and upper_inf(p.known)) held
where asked.slot = $1 and asked.ref = $2
order by c.version

-- name: events
-- What happened to the life $2 of slot $1, the newest first, at most $3: what the public may see of each.
select id, act, status, effective, recorded_at, reason_code, reason, legal_basis, decision_number, retroactive, due,
  successor, strikes, version_ref, exists (
    select from public_correction report
    where report.slot = event.slot and report.ref = event.ref and report.event_id = event.id) as after_report
from event where slot = $1 and ref = $2 order by id desc limit $3

-- name: feed
-- What happened last to the licence $2 of slot $1 and to all permits tied to it, or to the one permit, at most $3.
select c.type_id, e.ref as life_ref, e.id, e.act, e.status, e.effective, e.recorded_at, e.reason_code, e.reason,
  e.legal_basis, e.decision_number, e.retroactive, e.due, e.successor, e.strikes, e.version_ref, exists (
    select from public_correction report
    where report.slot = e.slot and report.ref = e.ref and report.event_id = e.id) as after_report
from public_certificate asked
join public_certificate c on c.slot = asked.slot and c.root_ref = asked.root_ref and c.ref = c.life_ref
  and (asked.category = 'licence' or c.life_ref = asked.life_ref)
join event e on e.slot = c.slot and e.ref = c.life_ref
where asked.slot = $1 and asked.ref = $2
order by e.recorded_at desc, e.id desc limit $3

-- name: feed_parts
-- What was applied for last under the licence $2 of slot $1, and how far it has come, at most $3.
select p.type_id, p.state, p.changed_at
from public_certificate asked
join public_case_part p on p.licence_slot = asked.slot and p.licence_ref = asked.root_ref
where asked.slot = $1 and asked.ref = $2 and asked.category = 'licence' and p.state <> 'new'
order by p.changed_at desc limit $3

-- name: by_number
-- The sheets of the licence that the business $2 of slot $1 has or had; the one that holds on day $3 first.
select c.ref, c.holder_name
from public_certificate c
left join status_period p on p.slot = c.slot and p.ref = c.ref and p.valid @> $3::date and upper_inf(p.known)
where c.slot = $1 and c.subject = $2 and c.category = 'licence'
order by coalesce(p.status, 'superseded') = 'superseded', c.version
limit 100
