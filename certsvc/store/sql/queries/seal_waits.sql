-- name: note
-- What is not issued waits, from $5 on for this reason: why, and for which seal. What is issued does not.
insert into seal_wait as known (slot, ref, seal_id, reason, since, asked_at)
select slot, ref, $3, $4, $5, $5 from certificate where slot = $1 and ref = $2 and issued_at is null for share
on conflict (slot, ref) do update set (seal_id, reason, asked_at, since) = (excluded.seal_id, excluded.reason,
  excluded.asked_at, case when (known.seal_id, known.reason) is not distinct from (excluded.seal_id, excluded.reason)
    then known.since else excluded.since end)

-- name: end
-- It waits no more.
delete from seal_wait where slot = $1 and ref = $2

-- name: bring_forward
-- The work on what waits for seal $1, of the kinds $3 and $4, is due at $2; what somebody is at stays as it is.
update job set due_at = $2
where id in (
  select id from job
  where due_at > $2 and (
    kind = $3 and key in (select encode(ref, 'hex') from seal_wait where seal_id = $1)
    or kind = $4 and key in (
      select o.key from seal_wait w join issue_order o using (slot, ref) where w.seal_id = $1))
  for update skip locked)
returning id

-- name: bring_forward_missed
-- The same for every seal in use that was resumed or opened since, or less than $2 before, something was last asked of it.
update job set due_at = $1
where id in (
  select id from job
  where due_at > $1 and exists (
    select from seal_wait w
    join seal on seal.id = w.seal_id and seal.state = 'enabled'
    join issue_order o on o.slot = w.slot and o.ref = w.ref
    where (job.kind = $3 and job.key = encode(w.ref, 'hex') or job.kind = $4 and job.key = o.key)
      and w.asked_at < $2::interval + greatest(
        (select max(at) from seal_event e where e.seal_id = w.seal_id),
        (select max(given_at) from seal_authorisation a where a.seal_id = w.seal_id)))
  for update skip locked)
returning id

-- name: of_approval
-- Why what was approved under $1 waits.
select w.ref, w.seal_id, w.reason, w.since, c.type_id, c.number, r.id as request_id
from approval a
join issue_order o on o.client = a.client and o.key = a.id
join seal_wait w on w.slot = o.slot and w.ref = o.ref
join certificate c on c.slot = w.slot and c.ref = w.ref
left join proof_request r on r.approval_id = a.id
where a.id = $1

-- name: under
-- What waits for seal $1, for longest first.
select w.ref, w.seal_id, w.reason, w.since, c.type_id, c.number, r.id as request_id
from seal_wait w
join certificate c on c.slot = w.slot and c.ref = w.ref
left join issue_order o on o.slot = w.slot and o.ref = w.ref
left join proof_request r on r.approval_id = o.key
where w.seal_id = $1
order by w.since, w.ref limit $2
