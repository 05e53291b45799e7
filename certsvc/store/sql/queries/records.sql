-- name: insert_source
-- A source is registered; no row when there is one of this id.
insert into source (id, zh, en, client, kinds, area, expected_every, complete_every, most_missing_percent,
  organisation, registered_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (id) do nothing returning id

-- name: change_source
-- Who feeds a source, and what it promises.
update source set zh = $2, en = $3, client = $4, kinds = $5, area = $6, expected_every = $7, complete_every = $8,
  most_missing_percent = $9
where id = $1

-- name: sources
-- Sources as they stand: the one of this id $1, those that the client $2 feeds, or all where both are null.
select * from source where ($1::text is null or id = $1) and ($2::text is null or client = $2) order by id

-- name: lock_source
-- One writer at a time for all that a source reported.
select * from source where id = $1 for no key update

-- name: heard
-- A source was heard: at $2, and if it listed all it has, as of $3.
update source set last_heard_at = greatest(last_heard_at, $2),
  last_complete_at = case when $3::timestamptz is null then last_complete_at else greatest(last_complete_at, $2) end,
  complete_as_of = case when $3::timestamptz is null then complete_as_of else $3 end
where id = $1

-- name: tried
-- A source tries to list all it has.
update source set last_snapshot_at = greatest(last_snapshot_at, $2) where id = $1

-- name: set_told
-- Others are told how fresh it is.
update source set told = $2 where id = $1

-- name: counts
-- How much a source has reported, how much of it is missing, and how much of it is in doubt.
select count(*) as records, count(*) filter (where missing_since is not null) as missing,
  count(*) filter (where contradicted) as contradicted
from record where source_id = $1

-- name: find_record_order
-- What a request to register a record said, if it came before.
select digest, source_id, source_ref from record_order where client = $1 and key = $2

-- name: insert_record_order
-- A request to register a record comes in; no row when the key was used before.
insert into record_order (client, key, digest, source_id, source_ref, observed_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning key

-- name: lists_after
-- Whether a complete list speaks of the time $2, and the time that the first later one speaks of.
select coalesce(bool_or(observed_at = $2), false) as listed_then,
  min(observed_at) filter (where observed_at > $2) as next_list
from record_snapshot where source_id = $1 and state = 'applied' and observed_at >= $2

-- name: around
-- The versions of a record that decide how a new one of $3 is placed: the last before it, and all up to $4.
select * from record_version
where source_id = $1 and source_ref = $2 and observed_at <= $4
  and observed_at >= coalesce(
    (select max(observed_at) from record_version where source_id = $1 and source_ref = $2 and observed_at < $3),
    '-infinity')
order by observed_at

-- name: insert_version
-- A version of a record; triggers say what holds then. Without fields it was missing.
insert into record_version (source_id, source_ref, observed_at, digest, slot, subject, received_at, fields, warnings)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb)
on conflict do nothing

-- name: versions
-- What a source said of a permit, in the order of the times it speaks of.
select * from record_version where source_id = $1 and source_ref = $2 order by observed_at, digest limit $3

-- name: record_now
-- What holds of a permit of a source.
select * from record where source_id = $1 and source_ref = $2

-- name: records
-- What holds of the permits of the sources $1, of the business $3 in the slot $2 or of all, after $4 in order.
select * from record
where source_id = any($1::text[]) and ($3::text is null or (slot = $2 and subject = $3))
  and (source_id, source_ref) > ($4, $5)
order by source_id, source_ref limit $6

-- name: missing
-- What is missing from the last list of a source, after $2 in order.
select * from record where source_id = $1 and missing_since is not null and source_ref > $2
order by source_ref limit $3

-- name: begin_snapshot
-- A list begins. Nothing of it holds yet.
insert into record_snapshot (source_id, client, key, observed_at, begun_at) values ($1, $2, $3, $4, $5) returning id

-- name: drop_rows
-- What earlier lists of a source said is dropped, and what broke off before $2.
delete from record_snapshot_row using record_snapshot s
where snapshot_id = s.id and s.source_id = $1 and (s.state <> 'begun' or s.begun_at < $2)

-- name: insert_rows
-- Rows of a list; as many come back as were new.
insert into record_snapshot_row (snapshot_id, source_ref, digest, fields, warnings, slot, subject)
select $1, given.* from unnest($2::text[], $3::bytea[], $4::jsonb[], $5::jsonb[], $6::smallint[], $7::text[]) given
on conflict do nothing returning source_ref

-- name: lock_snapshot
-- A list that is about to end.
select * from record_snapshot where id = $1 for update

-- name: count_rows
-- How many rows of a list are kept.
select count(*) from record_snapshot_row where snapshot_id = $1

-- name: one_view
-- All that follows in this transaction sees the register as it is now.
set transaction isolation level repeatable read

-- name: snapshot
-- A list of a source, and whether its next one has begun: then its rows are gone.
select *, exists (select from record_snapshot later where later.source_id = $2 and later.id > $1) as followed
from record_snapshot where id = $1 and source_id = $2

-- name: last_snapshots
-- The newest lists of a source.
select * from record_snapshot where source_id = $1 order by id desc limit $2

-- name: applied_by_key
-- The list that was applied under this key.
select * from record_snapshot where client = $1 and key = $2 and state = 'applied'

-- name: measure
-- What applying a list would do: new, different, the same, back again, missing from now on, and what was there.
select count(*) filter (where known.source_ref is null) as added,
  count(*) filter (where known.source_ref is not null and not known.missing and given.digest <> known.digest) as changed,
  count(*) filter (where not known.missing and given.digest = known.digest) as same,
  count(*) filter (where known.missing and given.source_ref is not null) as returned,
  count(*) filter (where given.source_ref is null and not known.missing) as missing,
  count(*) filter (where not known.missing) as present
from records_at($1, $2) known
full join (select source_ref, digest from record_snapshot_row where snapshot_id = $3) given using (source_ref)

-- name: apply
-- The versions that a list makes: of what is new, different, back again or in doubt; and of what it lacks.
insert into record_version (source_id, source_ref, observed_at, digest, slot, subject, received_at, snapshot_id, fields,
  warnings)
select $1, source_ref, $2, coalesce(given.digest, $5), coalesce(given.slot, known.slot),
  coalesce(given.subject, known.subject), $4, $3, given.fields, coalesce(given.warnings, '[]')
from records_at($1, $2) known
full join (select * from record_snapshot_row where snapshot_id = $3) given using (source_ref)
where case
  when known.source_ref is null then true
  when given.source_ref is null then not known.missing
  else known.missing or known.contradicted or given.digest <> known.digest end
on conflict do nothing

-- name: newly_missing
-- Some of what a list made missing.
select source_ref from record_version where source_id = $1 and snapshot_id = $2 and fields is null
order by source_ref limit $3

-- name: end_snapshot
-- A list has ended, in whichever way.
update record_snapshot set state = $2, digest = $3, ended_at = $4, result = $5::jsonb where id = $1

-- name: differences
-- Where the register and a list differ, after $3 in order.
select source_ref, here.fields as here, given.fields as there, here.contradicted
from (select * from record where source_id = $1 and missing_since is null and source_ref > $3) here
full join (select * from record_snapshot_row where snapshot_id = $2 and source_ref > $3) given using (source_ref)
where here.source_ref is null or given.source_ref is null or here.contradicted
  or case when given.digest is not null then given.digest <> here.digest
    else here.fields || given.fields <> here.fields end
order by source_ref limit $4

-- name: count_differences
-- How often the register and a list differ, and how.
select count(*) filter (where given.source_ref is null) as only_here,
  count(*) filter (where here.source_ref is null) as only_there,
  count(*) filter (where given.source_ref is not null and (here.contradicted
    or case when given.digest is not null then given.digest <> here.digest
      else here.fields || given.fields <> here.fields end)) as differs,
  count(*) filter (where not here.contradicted
    and case when given.digest is not null then given.digest = here.digest
      else here.fields || given.fields = here.fields end) as same
from (select * from record where source_id = $1 and missing_since is null) here
full join (select * from record_snapshot_row where snapshot_id = $2) given using (source_ref)

-- name: elsewhere
-- What others reported of the business $2 in the slot $1, and the sources that would know of it: one index look-up.
select source.*, record.source_id is not null as has_record, record.observed_at, record.received_at, record.fields,
  record.warnings, record.missing_since, record.contradicted
from public_source source
left join public_record record on record.source_id = source.id and record.slot = $1 and record.subject = $2
where record.source_id is not null or starts_with(substr($2, 3, 6), source.area)
order by source.id, record.fields ->> 'kind', record.fields ->> 'number' limit $3
