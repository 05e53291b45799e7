-- name: by_seal
-- What the seal $3 (any, if null) was used for from $4 on and before $5, after one certificate, in the order of
-- references.
select distinct c.slot, c.ref, c.type_id, c.number, c.version, c.issued_at is not null as issued
from seal_use used
join certificate c on c.slot = used.slot and c.ref = used.ref
where (used.slot, used.ref) > ($1, $2) and ($3::text is null or used.seal_id = $3)
  and used.intended_at >= $4 and used.intended_at < $5
order by c.slot, c.ref limit $6

-- name: by_token
-- What was reserved from $3 on and before $4, and so has a token of the key of that time.
select slot, ref, type_id, number, version, issued_at is not null as issued
from certificate
where (slot, ref) > ($1, $2) and reserved_at >= $3 and reserved_at < $4
order by slot, ref limit $5

-- name: requests_by_seal
-- Which documents and digests of departments the seal $2 (any, if null) was used for from $3 on and before $4, after one
-- request, in the order of their ids; of digests those that it was used for.
select r.id, r.client, r.state, r.source, r.sealed,
  array_agg(distinct used.digest) filter (where r.source is null) as digests
from seal_use used
join sealing_request r on r.id = used.request_id
where used.request_id > $1 and ($2::text is null or used.seal_id = $2)
  and used.intended_at >= $3 and used.intended_at < $4
group by r.id order by r.id limit $5
