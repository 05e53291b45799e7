-- name: gather
-- A scan: the certificate $2 of slot $1, its licence or its permits, each with its state on day $3 as known at $4.
-- One index range (slot, root_ref); for a licence one more, of what is applied for under it and not decided. On a
-- replica the age of a state is the age of the last change replayed: on a quiet day that is more than the true lag,
-- never less.
select c.*, period.status, period.conditions, event.act, event.effective, event.recorded_at, event.reason_code,
  event.reason, event.legal_basis, event.decision_number, event.retroactive, event.successor, event.version_ref,
  case when pg_is_in_recovery() then
    coalesce(ceil(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())), 2147483647)
  else 0 end::integer as status_age_s,
  case when c.ref = asked.ref and c.category = 'licence' then (
    select jsonb_agg(jsonb_build_object('type', part.type_id, 'state', part.state, 'deadline', part.deadline)
      order by part.place)
    from public_case_part part
    where part.licence_slot = c.slot and part.licence_ref = c.root_ref and part.changed_at <= $4
      and part.state in ('waiting', 'accepted', 'accepted_with_documents', 'returned', 'granted'))
  end as pending
from public_certificate asked
join public_certificate c on c.slot = asked.slot and c.root_ref = asked.root_ref
  and (asked.category <> 'permit' or c.category = 'licence' or c.ref = asked.ref)
left join status_period period on period.slot = c.slot and period.ref = c.ref
  and period.valid @> $3::date and period.known @> $4::timestamptz
left join event on event.slot = period.slot and event.ref = period.life_ref and event.id = period.event_id
where asked.slot = $1 and asked.ref = $2 and c.issued_at <= $4
order by c.type_number, c.number, c.version

-- name: find_document
-- A file dropped in: is it one of ours?
select sha256, ref, layout, sealed_at from document where sha256 = $1

-- name: find_department_document
-- A file dropped in that is no certificate: is it a document that a department had sealed here, and under which seals?
select sha256, recorded_at, seal_id, owner, owner_uscc, purpose from public_sealed_document where sha256 = $1
order by place

-- name: progress
-- A case and its parts as who has the code may see it.
select c.ref, c.applicant, c.opened_at, p.type_id, p.state, p.deadline, p.documents_due, p.certificate_ref
from public_case c
join public_case_part p on p.slot = c.slot and p.ref = c.ref
where c.slot = $1 and c.ref = $2 order by p.place

-- name: ready
-- Whether the database answers and holds our schema.
select exists (select from public_certificate)
