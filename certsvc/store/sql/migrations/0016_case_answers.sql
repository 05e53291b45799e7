-- What a case says of persons is erased some time after it has ended; and lists of parts are one index range each.

alter table case_content alter column sealed drop not null;
alter table case_content alter column key_id drop not null;
alter table case_content add column erased_at timestamptz;
alter table case_content
  add constraint erased_is_gone check (num_nulls(sealed, key_id) = case when erased_at is null then 0 else 2 end);

comment on column case_content.erased_at is 'when the content was erased, some time after the case had ended';

create index case_content_kept on case_content (at) where erased_at is null;

create or replace function guard_case_content() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{sealed,key_id,erased_at}';
begin
  if old.erased_at is not null or to_jsonb(old) - open is distinct from to_jsonb(new) - open then
    raise exception 'what was answered does not change: only the key it lies under does, until it is erased'
      using errcode = 'restrict_violation';
  end if;
  if new.erased_at is not null and exists (
    select from case_part p
    where p.slot = old.slot and p.ref = old.ref
      and p.state not in ('issued', 'refused', 'withdrawn', 'ended')) then
    raise exception 'what was answered is kept until the case has ended' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

drop index case_part_to_decide;
create index case_part_to_decide on case_part
  (type_id, state, coalesce(deadline, date 'infinity'), slot, ref);
