-- Evidence of requests: pictures that we drew, encrypted, each added and removed by an act of its own.

create table proof_evidence (
  id text primary key check (id ~ '^e-[a-z2-7]{20}$'),
  request_id text not null references proof_request,
  version integer not null,
  kind text not null check (kind in ('photo', 'pdf')),
  pages smallint not null check (pages between 1 and 10),
  removed_version integer check (removed_version > version),
  sealed bytea check (octet_length(sealed) between 28 and 1024),
  key_id short_text,
  unique (request_id, version),
  unique (request_id, removed_version),
  foreign key (request_id, version) references proof_request_event (request_id, version),
  foreign key (request_id, removed_version) references proof_request_event (request_id, version),
  constraint evidence_is_whole check (num_nulls(sealed, key_id) in (0, 2)),
  constraint what_was_removed_is_gone check (removed_version is null or sealed is null)
);

comment on column proof_evidence.version is 'of the request: its event says who added it, and when';
comment on column proof_evidence.sealed is 'what it is called; null: it was removed, or is erased with its request';

create table proof_evidence_page (
  evidence text not null references proof_evidence,
  page smallint not null check (page between 0 and 10),
  sealed bytea not null check (octet_length(sealed) between 28 and 1048604),
  key_id short_text not null,
  primary key (evidence, page)
);

comment on column proof_evidence_page.page is '0: the first page, small';

create function guard_proof_evidence() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  content constant text[] := '{sealed,key_id}';
  request proof_request;
begin
  select * into request from proof_request where id = new.request_id for no key update;
  if tg_op = 'INSERT' then
    if new.removed_version is not null or new.sealed is null or request.version <> new.version or not exists (
      select from proof_request_event where request_id = new.request_id and version = new.version and act = 'attach') then
      raise exception 'evidence is added by its act' using errcode = 'restrict_violation';
    end if;
    if 10 <= (select count(*) from proof_evidence where request_id = new.request_id and removed_version is null) then
      perform refuse_village('too_much_evidence', new.request_id);
    end if;
    return new;
  end if;
  if to_jsonb(new) - content = to_jsonb(old) - content then
    if old.sealed is not null and (new.sealed is not null and new.key_id <> old.key_id
      or new.sealed is null and request.erased_at is not null) then
      return new;
    end if;
  elsif old.removed_version is null and new.removed_version = request.version and new.sealed is null
    and to_jsonb(new) - content - 'removed_version' = to_jsonb(old) - content - 'removed_version' and exists (
      select from proof_request_event
      where request_id = new.request_id and version = new.removed_version and act = 'detach') then
    if exists (
      select from proof_request_event removed, proof_request_event added
      where (removed.request_id, removed.version) = (new.request_id, new.removed_version) and removed.account is null
        and (added.request_id, added.version) = (new.request_id, new.version) and added.account is not null) then
      perform refuse_village('not_appointed', 'detach');
    end if;
    return new;
  end if;
  raise exception 'evidence stays as it is, until it is removed by its act or erased with its request'
    using errcode = 'restrict_violation';
end
$$;

create function drop_evidence_pages() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  delete from proof_evidence_page where evidence = new.id;
  return null;
end
$$;

create function guard_proof_evidence_page() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  of_page proof_evidence;
begin
  select * into of_page from proof_evidence where id = coalesce(new.evidence, old.evidence);
  if tg_op = 'DELETE' then
    if of_page.sealed is null then
      return old;
    end if;
  elsif tg_op = 'UPDATE' then
    if (new.evidence, new.page) = (old.evidence, old.page) and new.key_id <> old.key_id then
      return new;
    end if;
  elsif of_page.sealed is not null and new.page <= of_page.pages and exists (
    select from proof_request where id = of_page.request_id and version = of_page.version) then
    return new;
  end if;
  raise exception 'pages of evidence stay as they are, and go with it' using errcode = 'restrict_violation';
end
$$;

create function agree_with_evidence() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from proof_evidence e where e.request_id = new.request_id
      and case new.act when 'attach' then e.version else e.removed_version end = new.version
      and (e.sealed is null or e.pages + 1 = (select count(*) from proof_evidence_page p where p.evidence = e.id))) then
    raise exception 'what was added or removed is there or gone, whole' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create function erase_evidence() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  update proof_evidence set sealed = null, key_id = null where request_id = new.id and sealed is not null;
  return null;
end
$$;

comment on function erase_evidence is 'with what a request says goes its evidence, whoever erases it';

create trigger guard_proof_evidence before insert or update on proof_evidence
  for each row execute function guard_proof_evidence();
create trigger drop_evidence_pages after update on proof_evidence
  for each row when (new.sealed is null and old.sealed is not null) execute function drop_evidence_pages();
create trigger guard_proof_evidence_page before insert or update or delete on proof_evidence_page
  for each row execute function guard_proof_evidence_page();
create constraint trigger agree_with_evidence after insert on proof_request_event deferrable initially deferred
  for each row when (new.act in ('attach', 'detach')) execute function agree_with_evidence();
create trigger erase_evidence after update on proof_request
  for each row when (new.erased_at is not null and old.erased_at is null) execute function erase_evidence();
create trigger keep before delete on proof_evidence for each row execute function refuse_change();
create trigger keep_all before truncate on proof_evidence for each statement execute function refuse_change();
create trigger keep_all before truncate on proof_evidence_page for each statement execute function refuse_change();
