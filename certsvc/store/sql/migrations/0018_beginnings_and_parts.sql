-- Work that ends its worker's process is known by what was begun and never ended; departments are told of the parts of
-- cases that they may decide; and the failed rows of a batch, however many, are put back some at a time.

create table taking (
  work short_text primary key,
  times smallint not null check (times > 0),
  by short_text not null,
  at timestamptz not null
);

comment on table taking is
  'work that was begun, on record before it is done; it goes with the work''s end, so what stays ended its process';
comment on column taking.by is 'the process that began it last';

alter table notice
  drop constraint somebody_is_told,
  drop constraint who_may_read_is_known,
  add column action text check (action in ('read', 'decide'));

alter table notice disable trigger guard_notice;
update notice set action = 'read' where ref is not null;
alter table notice enable trigger guard_notice;

alter table notice
  add constraint somebody_is_told check (client is not null or action is not null),
  add constraint whom_is_known check ((action is null) = (type_id is null) and (action is null) = (area is null)
    and (ref is null) = (slot is null) and (ref is null) = (seal_id is null)
    and (ref is not null) = (action is not distinct from 'read'));

comment on column notice.client is 'who is told by name; besides, everybody is whose scopes allow the action there';
comment on column notice.action is 'to read the certificate, or to decide a part of a case of this type';
comment on column notice.area is 'where the organ is, as it was then: characters 3 to 8 of its code';

create function may_be_told(known notice, name text, scopes text[]) returns boolean
  language sql immutable parallel safe
  return known.client is not distinct from name
    or (known.action is not null and scopes_cover(scopes, known.action, known.type_id, known.seal_id, known.area));

comment on function may_be_told is 'whether a notice is for the client of this name with these scopes';

create table case_part_late (
  slot slot_number not null,
  ref ref_bytes not null,
  type_id short_text not null,
  deadline date not null,
  told_at timestamptz not null,
  primary key (slot, ref, type_id, deadline),
  foreign key (slot, ref, type_id) references case_part
);

comment on table case_part_late is 'the deadlines that passed without a decision, once it was told';

create index case_part_by_deadline on case_part (deadline) where deadline is not null;

create trigger keep before update or delete on case_part_late for each row execute function refuse_change();
create trigger keep_all before truncate on case_part_late for each statement execute function refuse_change();

alter table batch add column retry_after integer check (retry_after >= 0);

comment on column batch.retry_after is
  'the failed rows after this line are to be tried again and are not put back yet; null: there are none';

create or replace function do_batch_move() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known batch;
  approvals integer;
begin
  select * into known from batch where number = new.batch for no key update;
  select after into new.state from batch_move where move = new.move and before = known.state;
  if new.state is null then
    raise exception 'wrong_state' using errcode = 'BT001', detail = known.state;
  end if;
  if new.state = 'running' then
    select count(*) into approvals from batch_approval where batch = new.batch;
    if approvals < known.needed then
      raise exception 'not_approved' using errcode = 'BT001', detail = known.state;
    end if;
  end if;
  if new.move in ('ask', 'run') and known.dry_run then
    raise exception 'dry_run' using errcode = 'BT001', detail = known.state;
  end if;
  if new.move in ('pass', 'refuse') and exists (
    select from batch_row where batch = new.batch and state = 'received') then
    raise exception 'not_checked' using errcode = 'BT001', detail = known.state;
  end if;
  if new.move = 'finish' and (known.retry_after is not null or exists (
    select from batch_row where batch = new.batch and state = 'ready')) then
    raise exception 'not_done' using errcode = 'BT001', detail = known.state;
  end if;
  return new;
end
$$;

create or replace function follow_batch_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  update batch set state = new.state, key = case when new.state <> 'abandoned' then key end,
    sha256 = coalesce(sha256, new.sha256), size = coalesce(size, new.size), closed = false,
    retry_after = case new.move when 'retry' then 0 when 'cancel' then null else retry_after end
  where number = new.batch;
  return null;
end
$$;

create or replace function guard_batch() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{state,key,sha256,size,manifest,closed,retry_after}';
  newest text;
begin
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open
    or (new.key is not null and new.key is distinct from old.key)
    or (old.sha256 is not null and (new.sha256, new.size) is distinct from (old.sha256, old.size)) then
    raise exception 'what was asked of a batch does not change' using errcode = 'restrict_violation';
  end if;
  select state into newest from batch_event where batch = old.number order by id desc limit 1;
  if new.state is distinct from coalesce(newest, 'receiving') then
    raise exception 'a batch moves as its newest event says, and by nothing else' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
