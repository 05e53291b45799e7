-- name: gather
-- A scan: the certificate $2 of slot $1, its licence or its permits, each with its state on day $3 as known at $4.
-- One index range (slot, root_ref). On a replica the age of a state is the age of the last change replayed: on a quiet
-- day that is more than the true lag, never less.
select c.*, period.status, period.conditions, event.act, event.effective, event.recorded_at, event.reason_code,
  event.reason, event.legal_basis, event.decision_number, event.retroactive, event.successor, event.version_ref,
  case when pg_is_in_recovery() then
    coalesce(ceil(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())), 2147483647)
  else 0 end::integer as status_age_s
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

-- name: ready
-- Whether the database answers and holds our schema.
select exists (select from public_certificate)
