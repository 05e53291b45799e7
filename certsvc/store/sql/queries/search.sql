-- name: search
-- Certificates that the scopes $1 let one read, with their state on $2, each filter null for any; in the order of
-- reservation, after ($9, $10). Nearly all are valid: those are looked at one by one, others are found by their state.
select c.ref, c.type_id, c.number, c.version, c.holder_name, c.subject, c.issuer_name, c.issuer_uscc, c.valid_from,
  c.valid_to, c.reserved_at, c.issued_at, period.status
from certificate c
left join lateral (
  select status from status_period p
  where p.slot = c.slot and p.ref = c.ref and p.valid @> $2::date and upper_inf(p.known) limit 1) period on true
where scopes_cover($1::text[], 'read', c.type_id, c.seal_id, substr(c.issuer_uscc, 3, 6))
  and ($3::text is null or c.type_id = $3)
  and ($4::text is null or c.number = $4)
  and ($5::text is null or c.subject = $5)
  and ($6::bytea is null or c.slot = slot_of($6) and c.root_ref = $6)
  and ($7::text is null or case when $7 = 'valid' then period.status = $7
    else (c.slot, c.ref) in (
      select p.slot, p.ref from status_period p
      where p.status = $7 and p.valid @> $2::date and upper_inf(p.known)) end)
  and ($8::timestamptz is null or c.issued_at >= $8)
  and ($11::timestamptz is null or c.issued_at < $11)
  and ($9::timestamptz is null or (c.reserved_at, c.ref) > ($9, $10))
order by c.reserved_at, c.ref
limit $12

-- name: held_by
-- The same, of what somebody holds: by the code $3, or its keyed hash $4; after ($5, $6).
select c.ref, c.type_id, c.number, c.version, c.holder_name, c.subject, c.issuer_name, c.issuer_uscc, c.valid_from,
  c.valid_to, c.reserved_at, c.issued_at, period.status
from certificate c
left join status_period period on period.slot = c.slot and period.ref = c.ref
  and period.valid @> $2::date and upper_inf(period.known)
where scopes_cover($1::text[], 'read', c.type_id, c.seal_id, substr(c.issuer_uscc, 3, 6))
  and (c.slot, c.ref) in (select h.slot, h.ref from holder h where h.code = $3 or h.code_hash = $4)
  and ($5::timestamptz is null or (c.reserved_at, c.ref) > ($5, $6))
order by c.reserved_at, c.ref
limit $7
