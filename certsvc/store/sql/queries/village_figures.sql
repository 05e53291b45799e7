-- name: refuse
-- A refusal goes on record; no row when it was sent before.
insert into proof_refusal (organ, key, digest, standing, item, words, account, person, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning key

-- name: refused
-- What was sent under this key.
select digest from proof_refusal where organ = $1 and key = $2

-- name: erase_words
-- Words that were kept until $1.
update proof_refusal set words = null where words is not null and at < $1

-- name: fold
-- The oldest facts, at most $1, are added to the totals; how many.
select fold_proof_facts($1)

-- name: counts
-- All kinds together, of scopes: what is added up until $3 and before $2, and what is not added up yet. One statement, so
-- that nothing counts twice or is missed while facts are added up.
select s.scope, '' as kind, until.counts as until, before.counts as before, null::integer[] as places
from unnest($1::text[]) s (scope)
cross join lateral (
  select counts from proof_total t where t.kind = '' and t.scope = s.scope and t.day <= $3::date
  order by t.day desc limit 1) until
left join lateral (
  select counts from proof_total t where t.kind = '' and t.scope = s.scope and t.day < $2::date
  order by t.day desc limit 1) before on true
union all
select scope, '', null, null, places from proof_fact f, unnest(f.scopes) scope
where f.scopes && $1::text[] and scope = any ($1::text[]) and day between $2::date and $3::date

-- name: by_kind
-- The same by kind.
with recursive known (kind) as (
  select min(kind) from proof_total where kind > ''
  union all
  select (select min(t.kind) from proof_total t where t.kind > known.kind) from known where known.kind is not null)
select s.scope, known.kind, until.counts as until, before.counts as before, null::integer[] as places
from known
cross join unnest($1::text[]) s (scope)
cross join lateral (
  select counts from proof_total t where t.kind = known.kind and t.scope = s.scope and t.day <= $3::date
  order by t.day desc limit 1) until
left join lateral (
  select counts from proof_total t where t.kind = known.kind and t.scope = s.scope and t.day < $2::date
  order by t.day desc limit 1) before on true
where known.kind is not null
union all
select scope, kind, null, null, places from proof_fact f, unnest(f.scopes) scope
where f.scopes && $1::text[] and scope = any ($1::text[]) and day between $2::date and $3::date

-- name: late
-- Open requests of scopes with a last day before $2, all kinds together: what is added up and what is not yet.
select scope, '' as kind, sum(number)::integer as number, min(due) as oldest
from (
  select scope, due, sum(number) as number
  from (
    select scope, due, number from proof_open where scope = any ($1::text[]) and kind = '' and due < $2::date
    union all
    select scope, due, step from proof_fact f, unnest(f.scopes) scope
    where f.scopes && $1::text[] and scope = any ($1::text[]) and step <> 0 and due < $2::date) each
  group by scope, due having sum(number) <> 0) days
group by scope

-- name: late_by_kind
-- The same by kind.
select scope, kind, sum(number)::integer as number, min(due) as oldest
from (
  select scope, kind, due, sum(number) as number
  from (
    select scope, kind, due, number from proof_open where scope = any ($1::text[]) and kind > '' and due < $2::date
    union all
    select scope, kind, due, step from proof_fact f, unnest(f.scopes) scope
    where f.scopes && $1::text[] and scope = any ($1::text[]) and step <> 0 and due < $2::date) each
  group by scope, kind, due having sum(number) <> 0) days
group by scope, kind

-- name: latest
-- The $3 of organs that are late for longest.
select one.* from unnest($1::text[]) o (uscc)
cross join lateral (
  select id, organ, type_id as kind, due, turn from proof_request r
  where r.organ = o.uscc and r.turn is not null and r.due < $2 order by r.due, r.id limit $3) one
order by one.due, one.organ, one.id limit $3

-- name: latest_in_city
-- The same of a whole city $1.
select r.id, r.organ, r.type_id as kind, r.due, r.turn from proof_request r join organ o on o.uscc = r.organ
where r.turn is not null and r.due < $2 and left(o.area, 4) = $1
order by r.due, r.organ, r.id limit $3
