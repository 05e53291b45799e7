-- name: search
-- Certificates within the reach of scopes ($1 types, $2 seals, $3 areas, in step), with their state on $4, each filter
-- null for any; in the order of reservation, after ($13, $14).
select c.ref, c.type_id, c.number, c.version, c.holder_name, c.subject, c.issuer_name, c.issuer_uscc, c.valid_from,
  c.valid_to, c.reserved_at, c.issued_at, period.status
from certificate c
left join status_period period on period.slot = c.slot and period.ref = c.ref
  and period.valid @> $4::date and upper_inf(period.known)
where exists (
    select from unnest($1::text[], $2::text[], $3::text[]) reach(type_id, seal_id, area)
    where reach.type_id in ('*', c.type_id) and reach.seal_id in ('*', c.seal_id)
      and (reach.area = '*' or starts_with(substr(c.issuer_uscc, 3, 6), reach.area)))
  and ($5::text is null or c.type_id = $5)
  and ($6::text is null or c.number = $6)
  and ($7::text is null or c.subject = $7)
  and ($8::text is null and $9::bytea is null or exists (
    select from holder h where h.slot = c.slot and h.ref = c.ref and (h.code = $8 or h.code_hash = $9)))
  and ($10::bytea is null or c.slot = slot_of($10) and c.root_ref = $10)
  and ($11::text is null or period.status = $11)
  and ($12::timestamptz is null or c.issued_at >= $12)
  and ($16::timestamptz is null or c.issued_at < $16)
  and ($13::timestamptz is null or (c.reserved_at, c.ref) > ($13, $14))
order by c.reserved_at, c.ref
limit $15
