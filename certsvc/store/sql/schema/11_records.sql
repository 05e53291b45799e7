-- Records from elsewhere (归集): permits that others issue, and how fresh each source is.

create table source (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  zh short_text not null,
  en short_text not null,
  organisation text not null check (char_length(organisation) = 18),
  client short_text not null,
  kinds text[] not null check (cardinality(kinds) between 1 and 200),
  area text not null check (area ~ '^[0-9]{0,6}$'),
  expected_every interval not null check (expected_every > interval '0'),
  complete_every interval check (complete_every > interval '0'),
  most_missing_percent smallint not null check (most_missing_percent between 0 and 100),
  registered_at timestamptz not null,
  last_heard_at timestamptz,
  last_snapshot_at timestamptz,
  last_complete_at timestamptz,
  complete_as_of timestamptz,
  told text not null default 'fresh' check (told in ('fresh', 'late', 'silent')),
  constraint a_complete_list_has_a_time check ((last_complete_at is null) = (complete_as_of is null))
);

comment on column source.complete_every is 'null: it reports changes alone, and never lists all it has';
comment on column source.last_snapshot_at is 'when it last tried to list all it has, be it that the list was taken or not';
comment on column source.complete_as_of is 'the time that its last complete list speaks of';
comment on column source.told is 'how fresh it was when others were last told';

create table record_snapshot (
  id bigint generated always as identity primary key,
  source_id text not null references source,
  client short_text not null,
  key short_text not null,
  observed_at timestamptz not null,
  begun_at timestamptz not null,
  state text not null default 'begun' check (state in ('begun', 'applied', 'compared', 'refused')),
  digest sha256_bytes,
  ended_at timestamptz,
  result jsonb check (octet_length(result::text) <= 16384),
  constraint an_end_is_whole check ((state = 'begun') = (ended_at is null) and (state = 'begun') = (result is null)),
  constraint what_was_applied_has_a_digest check (state <> 'applied' or digest is not null)
);

comment on table record_snapshot is 'a list of all that a source has, or of what it wants compared; nothing of it holds until it is applied';

create unique index record_snapshot_by_key on record_snapshot (client, key) where state = 'applied';
create index record_snapshot_applied on record_snapshot (source_id, observed_at) where state = 'applied';

create table record_snapshot_row (
  snapshot_id bigint not null references record_snapshot on delete cascade,
  source_ref short_text not null,
  digest sha256_bytes,
  fields jsonb not null check (octet_length(fields::text) <= 65536),
  warnings jsonb not null check (octet_length(warnings::text) <= 16384),
  slot slot_number,
  subject text check (char_length(subject) = 18),
  primary key (snapshot_id, source_ref)
);

comment on table record_snapshot_row is 'what a list says, until the next list of its source; deleted then';
comment on column record_snapshot_row.digest is 'null where the source gave some fields only, to have them compared';

create table record_version (
  source_id text not null references source,
  source_ref short_text not null,
  observed_at timestamptz not null,
  digest sha256_bytes not null,
  slot slot_number not null,
  subject text not null check (char_length(subject) = 18),
  received_at timestamptz not null,
  snapshot_id bigint references record_snapshot,
  fields jsonb check (octet_length(fields::text) <= 65536),
  warnings jsonb not null check (octet_length(warnings::text) <= 16384),
  primary key (source_id, source_ref, observed_at, digest)
);

comment on table record_version is 'what a source said of a permit, by the time it speaks of';
comment on column record_version.fields is 'null: the permit was missing from all that the source had';
comment on column record_version.snapshot_id is 'the list it came by; null when it was reported by itself';

create index record_version_by_subject on record_version (slot, subject);

create table record_order (
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  source_id text not null,
  source_ref short_text not null,
  observed_at timestamptz not null,
  primary key (client, key)
);

comment on table record_order is 'a request to register one record; digest is of all that was sent';

create table record (
  slot slot_number not null,
  source_id text not null references source,
  source_ref short_text not null,
  subject text not null check (char_length(subject) = 18),
  observed_at timestamptz not null,
  received_at timestamptz not null,
  digest sha256_bytes not null,
  fields jsonb not null,
  warnings jsonb not null,
  missing_since timestamptz,
  contradicted boolean not null,
  primary key (slot, source_id, source_ref),
  unique (source_id, source_ref)
);

comment on table record is 'what holds of a permit by its newest version; follows record_version and changes by nothing else';

create index record_by_subject on record (slot, subject);
create index record_missing on record (source_id, source_ref) where missing_since is not null;

create function records_at(source text, at timestamptz)
  returns table (source_ref text, slot smallint, subject text, digest bytea, missing boolean, contradicted boolean)
  language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select distinct on (v.source_ref) v.source_ref, v.slot, v.subject, v.digest, v.fields is null,
    count(*) over (partition by v.source_ref, v.observed_at) > 1
  from public.record_version v
  where v.source_id = source and v.observed_at <= at
  order by v.source_ref, v.observed_at desc, v.fields is null, v.digest
$$;

comment on function records_at is 'what held of each permit of a source at a time, as far as it is known now';

create function follow_record_version() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into record (slot, source_id, source_ref, subject, observed_at, received_at, digest, fields, warnings,
    missing_since, contradicted)
  select told.slot, told.source_id, told.source_ref, told.subject, told.observed_at, told.received_at, told.digest,
    told.fields, told.warnings, case when newest.all_missing then newest.observed_at end, newest.statements > 1
  from (select distinct source_id, source_ref from added) touched
  cross join lateral (
    select v.observed_at, count(*) as statements, bool_and(v.fields is null) as all_missing
    from record_version v
    where v.source_id = touched.source_id and v.source_ref = touched.source_ref
    group by v.observed_at order by v.observed_at desc limit 1) newest
  cross join lateral (
    select v.*
    from record_version v
    where v.source_id = touched.source_id and v.source_ref = touched.source_ref and v.fields is not null
    order by v.observed_at desc, v.digest limit 1) told
  on conflict (source_id, source_ref) do update set
    (slot, subject, observed_at, received_at, digest, fields, warnings, missing_since, contradicted) =
    (excluded.slot, excluded.subject, excluded.observed_at, excluded.received_at, excluded.digest, excluded.fields,
      excluded.warnings, excluded.missing_since, excluded.contradicted);
  return null;
end
$$;

create function guard_record() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if pg_trigger_depth() < 2 then
    raise exception 'a record changes by a new version, and by nothing else' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_source() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.id, old.organisation, old.registered_at) is distinct from (new.id, new.organisation, new.registered_at) then
    raise exception 'a source stays what it is' using errcode = 'restrict_violation';
  end if;
  if new.last_heard_at < old.last_heard_at or new.last_snapshot_at < old.last_snapshot_at
    or new.last_complete_at < old.last_complete_at or new.complete_as_of < old.complete_as_of then
    raise exception 'when a source was heard does not go back' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_snapshot() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{state,digest,ended_at,result}';
begin
  if old.state <> 'begun' or to_jsonb(old) - open is distinct from to_jsonb(new) - open then
    raise exception 'a list that has ended does not change' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger follow_record_version after insert on record_version
  referencing new table as added for each statement execute function follow_record_version();
create trigger guard_record before insert or update on record for each row execute function guard_record();
create trigger guard_source before update on source for each row execute function guard_source();
create trigger guard_snapshot before update on record_snapshot for each row execute function guard_snapshot();
create trigger keep before delete on source for each row execute function refuse_change();
create trigger keep before delete on record for each row execute function refuse_change();
create trigger keep before update or delete on record_version for each row execute function refuse_change();
create trigger keep before update or delete on record_order for each row execute function refuse_change();
create trigger keep before delete on record_snapshot for each row execute function refuse_change();
create trigger keep_all before truncate on source for each statement execute function refuse_change();
create trigger keep_all before truncate on record for each statement execute function refuse_change();
create trigger keep_all before truncate on record_version for each statement execute function refuse_change();
create trigger keep_all before truncate on record_order for each statement execute function refuse_change();
create trigger keep_all before truncate on record_snapshot for each statement execute function refuse_change();

create view public_source as
  select id, zh, en, organisation, kinds, area, expected_every, complete_every, registered_at, last_heard_at,
    last_complete_at, complete_as_of
  from source;

create view public_record as
  select slot, source_id, subject, observed_at, received_at, fields, warnings, missing_since, contradicted
  from record;

grant select on public_source, public_record to certsvc_public;
