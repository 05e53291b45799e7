-- name: lock_progress
-- How far the entries have come; whoever asks makes the next ones, alone. No row when somebody else is at it.
select sequence, position, basis, walked_slot, walked_ref, (select position from notice_end) as last_position
from status_progress for update skip locked

-- name: told
-- The lives of the certificates that notices from after $1 up to $2 speak of.
select distinct asked.slot, asked.life_ref
from notice join certificate asked on asked.slot = notice.slot and asked.ref = notice.ref
where notice.position > $1 and notice.position <= $2 and notice.kind like 'certificate.%'

-- name: take_due
-- The lives that are told otherwise from a day up to $1 on, at most $2 of them; they are due no more.
delete from status_due where (day, slot, life_ref) in (
  select day, slot, life_ref from status_due where day <= $1 order by day, slot, life_ref limit $2)
returning slot, life_ref

-- name: walk
-- The certificates after one, in the order of references, at most $3, each with its life.
select slot, ref, life_ref from certificate where (slot, ref) > ($1, $2) order by slot, ref limit $3

-- name: gather
-- What the entries of the lives $1, $2 hang on: their versions, of a licence its permits too, and the licences that act
-- on them, each with its state on day $3 as it is known now, and the next day on which it will be another.
select distinct on (c.slot, c.ref) c.slot, c.ref, c.root_ref, c.life_ref, c.category, c.type_id, c.type_version,
  c.type_number, c.number, c.version, c.identifier, c.holder_name, c.subject, c.issuer_name, c.issuer_uscc, c.valid_from,
  c.valid_to, c.public_fields, c.issued_at, c.list_name, c.list_index, period.status, period.conditions,
  least(
    case when c.valid_from > $3::date then c.valid_from end,
    (select min(lower(later.valid)) from status_period later
     where later.slot = c.slot and later.ref = c.ref and upper_inf(later.known) and lower(later.valid) > $3::date)
  ) as next_day
from unnest($1::integer[], $2::bytea[]) as life (slot, ref)
join certificate asked on asked.slot = life.slot and asked.ref = life.ref
join certificate c on c.slot = asked.slot and c.root_ref = asked.root_ref
  and (asked.category = 'licence' or c.category = 'licence' or c.life_ref = asked.ref)
left join status_period period on period.slot = c.slot and period.ref = c.ref
  and period.valid @> $3::date and upper_inf(period.known)
where c.issued_at is not null
order by c.slot, c.ref

-- name: set_due
-- From a day on, a life is told otherwise.
insert into status_due (day, slot, life_ref)
select * from unnest($1::date[], $2::integer[], $3::bytea[])
on conflict do nothing

-- name: parts
-- The parts $2 of the lists $1.
select p.list_name, p.part, p.entries
from unnest($1::text[], $2::smallint[]) as asked (list_name, part)
join status_part p on p.list_name = asked.list_name and p.part = asked.part

-- name: change_lists
-- The change $1 is one of the lists $2; of $3 it makes certificates invalid.
insert into status_list as known (name, sequence, urgent)
select name, $1::bigint, case when name = any($3::text[]) then $1::bigint else 0 end from unnest($2::text[]) as name
on conflict (name) do update set sequence = excluded.sequence, urgent = greatest(known.urgent, excluded.urgent)

-- name: put_parts
-- Parts of lists as they are now.
insert into status_part (list_name, part, entries)
select * from unnest($1::text[], $2::smallint[], $3::bytea[])
on conflict (list_name, part) do update set entries = excluded.entries

-- name: move_on
-- The entries have come so far.
update status_progress set sequence = $1, position = $2, basis = $3, walked_slot = $4, walked_ref = $5

-- name: begin_anew
-- Every certificate is to be gone through once more.
update status_progress set basis = null, walked_slot = null, walked_ref = null

-- name: lock_publishing
-- Whoever asks signs lists, alone. No row when somebody else is at it.
select here from status_publishing for update skip locked

-- name: changed
-- The lists with a change after $1.
select name, sequence, urgent from status_list where sequence > $1 order by sequence, name

-- name: read
-- A list and its parts.
select l.sequence, p.part, p.entries
from status_list l left join status_part p on p.list_name = l.name
where l.name = $1
