-- Signed lists of states: their entries, which follow the register, and how far they have come.

create table status_list (
  name text primary key check (name ~ '^[1-9][0-9]{0,4}-[0-9]{4}q[1-4]$'),
  sequence bigint not null check (sequence > 0),
  urgent bigint not null check (urgent between 0 and sequence)
);

comment on table status_list is 'what the signed lists of states are made of; a list is there once it says something';
comment on column status_list.sequence is 'the change that came last; changes are counted over all lists';
comment on column status_list.urgent is 'the last change after which a certificate is not, or no longer, in force';

create index status_list_by_change on status_list (sequence);

create table status_part (
  list_name text not null references status_list,
  part smallint not null check (part between 0 and 511),
  entries bytea not null check (octet_length(entries) = 1024),
  primary key (list_name, part)
);

comment on table status_part is '2048 entries of a list, two to a byte; a part that is not there says nothing';

create table status_due (
  day date not null,
  slot slot_number not null,
  life_ref ref_bytes not null,
  primary key (day, slot, life_ref),
  foreign key (slot, life_ref) references certificate (slot, ref)
);

comment on table status_due is 'which lives are told otherwise from a day on: by then their entries are made anew';

create table status_progress (
  here boolean primary key default true check (here),
  sequence bigint not null check (sequence >= 0),
  position bigint check (position >= 0),
  basis sha256_bytes,
  walked_slot integer check (walked_slot between -1 and 4095),
  walked_ref bytea check (octet_length(walked_ref) <= 10),
  constraint a_walk_has_a_place check (num_nulls(walked_slot, walked_ref) in (0, 2))
);

comment on table status_progress is 'how far the entries follow the register; whoever makes entries locks this row';
comment on column status_progress.position is 'of the last notice that was followed; notices have theirs in the order of committing';
comment on column status_progress.basis is
  'digest of the rules that the entries follow; under others, or null, every certificate is gone through once more';
comment on column status_progress.walked_slot is 'of the certificate that was gone through last; null when all were';

create table status_publishing (
  here boolean primary key default true check (here)
);

comment on table status_publishing is 'whoever signs lists locks this row';

create function guard_status_list() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.name <> old.name or new.sequence <= old.sequence or new.urgent < old.urgent then
    raise exception 'a list only goes forward' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_status_progress() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.sequence < old.sequence or new.position is null and old.position is not null
    or new.position < old.position then
    raise exception 'what was followed is not followed again' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_status_list before update on status_list for each row execute function guard_status_list();
create trigger guard_status_progress before update on status_progress
  for each row execute function guard_status_progress();
create trigger keep before delete on status_list for each row execute function refuse_change();
create trigger keep before delete on status_part for each row execute function refuse_change();
create trigger keep before delete on status_progress for each row execute function refuse_change();
create trigger keep before delete on status_publishing for each row execute function refuse_change();
create trigger keep_all before truncate on status_list for each statement execute function refuse_change();
create trigger keep_all before truncate on status_part for each statement execute function refuse_change();
create trigger keep_all before truncate on status_due for each statement execute function refuse_change();
create trigger keep_all before truncate on status_progress for each statement execute function refuse_change();
create trigger keep_all before truncate on status_publishing for each statement execute function refuse_change();
