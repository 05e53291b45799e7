-- Keys that contents are encrypted with.

create table data_key (
  id short_text primary key,
  fingerprint sha256_bytes not null,
  first_used_at timestamptz not null,
  ended_at timestamptz,
  ended_why text check (ended_why in ('retired', 'lost')),
  constraint ended_for_a_reason check ((ended_at is null) = (ended_why is null))
);

comment on column data_key.fingerprint is 'derived from the key: tells it from another key of the same name';
comment on column data_key.ended_why is 'retired: nothing is encrypted under it any more; lost: what is, cannot be read';

create function guard_data_key() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.id, old.fingerprint, old.first_used_at) is distinct from (new.id, new.fingerprint, new.first_used_at)
    or (old.ended_at is not null and (old.ended_at, old.ended_why) is distinct from (new.ended_at, new.ended_why)) then
    raise exception 'a data key on record does not change: it only ends' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_data_key before update on data_key for each row execute function guard_data_key();
create trigger keep before delete on data_key for each row execute function refuse_change();
create trigger keep_all before truncate on data_key for each statement execute function refuse_change();
