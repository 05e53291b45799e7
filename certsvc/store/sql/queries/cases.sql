-- name: insert_case
-- A case comes in; no row when the request came before. A second one of the same name waits here for the first.
insert into application_case (slot, ref, opened_by, key, digest, opened_at, applicant, licence_type, licence_slot,
  licence_ref)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (opened_by, key) do nothing returning ref

-- name: opened
-- The case that a request opened.
select slot, ref, digest from application_case where opened_by = $1 and key = $2

-- name: insert_part
-- A part of a case, not received yet.
insert into case_part (slot, ref, type_id, place, working_days, changed_at) values ($1, $2, $3, $4, $5, $6)

-- name: lock_case
-- One at a time acts on the parts of a case: so none misses that the licence was issued.
select ref from application_case where slot = $1 and ref = $2 for no key update

-- name: case
-- A case.
select slot, ref, opened_by, opened_at, applicant, licence_type, licence_ref from application_case
where slot = $1 and ref = $2

-- name: case_parts
-- The parts of a case, in their order.
select type_id, state, working_days, changed_at, deadline, documents_due, certificate_ref from case_part
where slot = $1 and ref = $2 order by place

-- name: case_events
-- Everything that happened to a case, in the order of recording.
select id, type_id, act, state, actor, at, reason, legal_basis, decision_number, remedies, due, deadline,
  certificate_ref, client
from case_event where slot = $1 and ref = $2 order by id

-- name: find_case_event
-- What a request did, if it came before.
select slot, ref, digest from case_event where client = $1 and key = $2

-- name: insert_case_event
-- An act on a part; the part follows by itself.
insert into case_event (slot, ref, type_id, act, state, actor, at, reason, legal_basis, decision_number, remedies, due,
  deadline, certificate_slot, certificate_ref, client, key, digest)
values ($1, $2, $3, $4, 'new', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
returning id, state

-- name: insert_content
-- What was answered, or set by a department of its part.
insert into case_content (slot, ref, type_id, at, sealed, key_id, client, key, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: find_content
-- What a request to correct did, if it came before.
select slot, ref, digest from case_content where client = $1 and key = $2

-- name: content
-- The newest answers to the form ($3 null), or what a department set of its part; nothing once it is erased.
select sealed, key_id from case_content
where slot = $1 and ref = $2 and type_id is not distinct from $3 and erased_at is null order by id desc limit 1

-- name: erased_at
-- When what a case says of persons was erased.
select max(erased_at) from case_content where slot = $1 and ref = $2

-- name: erase_contents
-- What cases say of persons is erased at $2, where no part is in one of the states $3 or changed since $1; at most $4.
with due as (
  select slot, ref, id from case_content content
  where erased_at is null and at < $1 and not exists (
    select from case_part part
    where part.slot = content.slot and part.ref = content.ref
      and (part.state = any($3::text[]) or part.changed_at >= $1))
  order by at limit $4
  for update skip locked)
update case_content content set sealed = null, key_id = null, erased_at = $2
from due where (content.slot, content.ref, content.id) = (due.slot, due.ref, due.id)
returning content.ref

-- name: parts
-- Parts of the types $1, and of cases that $2 opened, in the states $3, due before $4, of the type $10 only; after the
-- place ($5, $6, $7, $8) in the list: what is due first comes first, what nobody has to decide last.
-- Of each type and state as many as the page may hold: one index range each, however many there are.
with found as (
  select p.* from unnest($1::text[]) decided, unnest($3::text[]) asked
  cross join lateral (
    select * from case_part one
    where one.type_id = decided and one.state = asked and ($10::text is null or one.type_id = $10)
      and ($4::date is null or one.deadline < $4)
      and (coalesce(one.deadline, date 'infinity'), one.slot, one.ref) >= ($5::date, $6::integer, $7::bytea)
    order by coalesce(one.deadline, date 'infinity'), one.slot, one.ref limit $9 + 1) p
  union
  select p.* from application_case c
  join case_part p on p.slot = c.slot and p.ref = c.ref
  where c.opened_by = $2 and p.state = any($3::text[]))
select c.slot, c.ref, c.applicant, c.opened_at, c.licence_type, c.licence_ref, c.opened_by, p.type_id, p.state,
  p.working_days, p.changed_at, p.deadline, p.documents_due, p.certificate_ref
from found p
join application_case c on c.slot = p.slot and c.ref = p.ref
where ($10::text is null or p.type_id = $10) and ($4::date is null or p.deadline < $4)
  and (coalesce(p.deadline, date 'infinity'), p.slot, p.ref::bytea, p.type_id)
    > ($5::date, $6::integer, $7::bytea, $8::text)
order by coalesce(p.deadline, date 'infinity'), p.slot, p.ref, p.type_id limit $9

-- name: late_parts
-- Parts whose last day for the decision was before $1, at most $3, of which nobody was told: now somebody is.
with late as (
  insert into case_part_late (slot, ref, type_id, deadline, told_at)
  select p.slot, p.ref, p.type_id, p.deadline, $2 from case_part p
  where p.deadline < $1 and not exists (
    select from case_part_late l
    where l.slot = p.slot and l.ref = p.ref and l.type_id = p.type_id and l.deadline = p.deadline)
  order by p.deadline, p.slot, p.ref, p.type_id limit $3
  on conflict do nothing
  returning slot, ref, type_id, deadline)
select late.ref, late.type_id, late.deadline, c.opened_by
from late join application_case c on c.slot = late.slot and c.ref = late.ref
order by late.deadline, late.slot, late.ref, late.type_id
