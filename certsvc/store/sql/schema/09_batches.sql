-- Batches: many requests in one, row by row.

create view batch_move (move, before, after) as values
  ('receive', 'receiving', 'checking'),
  ('abandon', 'receiving', 'abandoned'),
  ('pass', 'checking', 'checked'),
  ('refuse', 'checking', 'refused'),
  ('ask', 'checked', 'awaiting_approval'),
  ('run', 'checked', 'running'),
  ('approve', 'awaiting_approval', 'running'),
  ('pause', 'running', 'paused'),
  ('resume', 'paused', 'running'),
  ('cancel', 'checking', 'cancelled'),
  ('cancel', 'awaiting_approval', 'cancelled'),
  ('cancel', 'running', 'cancelled'),
  ('cancel', 'paused', 'cancelled'),
  ('finish', 'running', 'finished'),
  ('retry', 'finished', 'running');

comment on view batch_move is 'how a batch goes on (domain/batch.py)';

create view batch_row_move (before, after) as values
  ('received', 'wrong'),
  ('received', 'ready'),
  ('received', 'cancelled'),
  ('ready', 'wrong'),
  ('ready', 'done'),
  ('ready', 'failed'),
  ('ready', 'cancelled'),
  ('failed', 'ready');

comment on view batch_row_move is 'how a row of a batch goes on (domain/batch.py)';

create table batch (
  number integer generated always as identity primary key,
  id text not null unique check (id ~ '^b-[a-z2-7]{20}$'),
  client short_text not null,
  key short_text,
  act short_text not null,
  type_id short_text not null,
  scopes text[] not null check (cardinality(scopes) <= 100 and octet_length(scopes::text) <= 16384),
  form text not null check (form in ('ndjson', 'csv')),
  on_wrong text not null check (on_wrong in ('refuse', 'skip')),
  dry_run boolean not null,
  sample smallint not null check (sample between 0 and 100),
  needed smallint not null check (needed between 0 and 2),
  began_at timestamptz not null,
  state text not null default 'receiving',
  sha256 sha256_bytes,
  size bigint check (size between 0 and 2147483648),
  manifest sha256_bytes,
  closed boolean not null default false,
  retry_after integer check (retry_after >= 0),
  unique (client, key),
  constraint what_is_received_has_a_digest
    check ((state in ('receiving', 'abandoned')) = (sha256 is null) and (sha256 is null) = (size is null)),
  constraint only_abandoned_batches_lose_their_key check ((key is null) = (state = 'abandoned'))
);

comment on column batch.scopes is 'what whoever sent it was allowed then';
comment on column batch.needed is 'how many persons must approve it';
comment on column batch.retry_after is
  'the failed rows after this line are to be tried again and are not put back yet; null: there are none';
comment on column batch.closed is 'nothing is left to be done for it, and what its rows asked for is not kept any more';

create index batch_open on batch (number) where not closed;

create table batch_event (
  batch integer not null references batch,
  id bigint generated always as identity,
  move text not null,
  state text not null,
  by short_text not null,
  at timestamptz not null,
  sha256 sha256_bytes,
  size bigint,
  primary key (batch, id),
  constraint the_last_row_brings_the_digest check ((move = 'receive') = (sha256 is not null and size is not null))
);

create table batch_approval (
  batch integer not null references batch,
  person short_text not null,
  at timestamptz not null,
  primary key (batch, person)
);

create table batch_row (
  batch integer not null references batch,
  line integer not null check (line > 0),
  key text not null check (char_length(key) between 1 and 200),
  state text not null check (state in ('received', 'wrong', 'ready', 'done', 'failed', 'cancelled')),
  sealed bytea check (octet_length(sealed) <= 1048576),
  data_key_id short_text,
  tries integer not null default 0 check (tries >= 0),
  due_at timestamptz,
  error_code short_text,
  sealed_error bytea check (octet_length(sealed_error) <= 262144),
  error_key_id short_text,
  slot slot_number,
  ref ref_bytes,
  number short_text,
  event_id bigint,
  ended_at timestamptz,
  primary key (batch, line),
  foreign key (slot, ref) references certificate,
  constraint content_names_its_key check ((sealed is null) = (data_key_id is null)),
  constraint error_names_its_key check (num_nulls(error_code, sealed_error, error_key_id) in (0, 3)),
  constraint done_names_its_certificate
    check ((state = 'done') = (ref is not null) and num_nulls(slot, ref, number) in (0, 3)),
  constraint what_was_not_done_says_why check (state not in ('wrong', 'failed') or error_code is not null),
  constraint what_is_to_be_checked_is_there check (state <> 'received' or sealed is not null)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

comment on column batch_row.sealed is 'what it asks for, encrypted and bound to batch and line, until it is done';
comment on column batch_row.sealed_error is 'why in words, encrypted too: words may quote what was sent';

create index batch_row_by_state on batch_row (batch, state, line);
create index batch_row_by_key on batch_row (batch, key, line);
create index batch_row_ended on batch_row (batch, ended_at) where ended_at is not null;

create table batch_count (
  batch integer primary key references batch,
  received integer not null default 0 check (received >= 0),
  wrong integer not null default 0 check (wrong >= 0),
  ready integer not null default 0 check (ready >= 0),
  done integer not null default 0 check (done >= 0),
  failed integer not null default 0 check (failed >= 0),
  cancelled integer not null default 0 check (cancelled >= 0)
) with (fillfactor = 50);

comment on table batch_count is 'how many rows are in each state, kept by the rows themselves';

-- A move that the table does not have is refused with the code BT001 and, as detail, the state that was met.

create function do_batch_move() returns trigger language plpgsql
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

create function follow_batch_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  update batch set state = new.state, key = case when new.state <> 'abandoned' then key end,
    sha256 = coalesce(sha256, new.sha256), size = coalesce(size, new.size), closed = false,
    retry_after = case new.move when 'retry' then 0 when 'cancel' then null else retry_after end
  where number = new.batch;
  return null;
end
$$;

create function guard_batch() returns trigger language plpgsql
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

create function guard_batch_begin() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.state <> 'receiving' or new.manifest is not null or new.closed then
    raise exception 'a batch begins with being received' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_batch_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if old.state not in ('receiving', 'abandoned') then
    raise exception 'a batch that was received is kept' using errcode = 'restrict_violation';
  end if;
  return old;
end
$$;

create function guard_batch_event_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (select from batch where number = old.batch and state not in ('receiving', 'abandoned')) then
    raise exception 'what happened to a batch is kept' using errcode = 'restrict_violation';
  end if;
  return old;
end
$$;

create function guard_batch_approval() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known batch;
begin
  select * into known from batch where number = new.batch for no key update;
  if known.state is distinct from 'awaiting_approval' then
    raise exception 'wrong_state' using errcode = 'BT001', detail = known.state;
  end if;
  if new.person = known.client then
    raise exception 'nobody approves what they asked for themselves' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_batch_row() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.batch <> old.batch or new.line <> old.line or new.key <> old.key then
    raise exception 'a row stays where it is' using errcode = 'restrict_violation';
  end if;
  if new.state <> old.state and not exists (
    select from batch_row_move where before = old.state and after = new.state) then
    raise exception 'a row does not go from % to %', old.state, new.state using errcode = 'restrict_violation';
  end if;
  if old.state = 'done' and (new.ref, new.number, new.event_id) is distinct from (old.ref, old.number, old.event_id) then
    raise exception 'a result does not change' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_batch_row_begin() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (select from added where state not in ('received', 'wrong')) then
    raise exception 'a row begins with being received' using errcode = 'restrict_violation';
  end if;
  if exists (select from batch where number in (select batch from added) and state <> 'receiving') then
    raise exception 'this batch takes no more rows' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create function guard_batch_row_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (select from batch where number in (select batch from removed) and state not in ('receiving', 'abandoned')) then
    raise exception 'the rows of a batch that was received are kept' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create function count_batch(counted integer, state text, more bigint) returns void language sql
set search_path = pg_catalog, public, pg_temp as $$
  update batch_count set
    received = received + case when state = 'received' then more else 0 end,
    wrong = wrong + case when state = 'wrong' then more else 0 end,
    ready = ready + case when state = 'ready' then more else 0 end,
    done = done + case when state = 'done' then more else 0 end,
    failed = failed + case when state = 'failed' then more else 0 end,
    cancelled = cancelled + case when state = 'cancelled' then more else 0 end
  where batch = counted
$$;

create function count_batch_rows() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform count_batch(batch, state, count(*)) from added group by batch, state order by batch;
  elsif tg_op = 'DELETE' then
    perform count_batch(batch, state, -count(*)) from removed group by batch, state order by batch;
  else
    perform count_batch(batch, state, sum(more)::bigint)
    from (select batch, state, 1 as more from added union all select batch, state, -1 from removed) changed
    group by batch, state having sum(more) <> 0 order by batch;
  end if;
  return null;
end
$$;

create function begin_batch_count() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into batch_count (batch) values (new.number);
  return null;
end
$$;

create trigger guard_batch_begin before insert on batch for each row execute function guard_batch_begin();
create trigger begin_batch_count after insert on batch for each row execute function begin_batch_count();
create trigger guard_batch before update on batch for each row execute function guard_batch();
create trigger guard_batch_end before delete on batch for each row execute function guard_batch_end();
create trigger do_batch_move before insert on batch_event for each row execute function do_batch_move();
create trigger follow_batch_event after insert on batch_event for each row execute function follow_batch_event();
create trigger guard_batch_approval before insert on batch_approval
  for each row execute function guard_batch_approval();
create trigger guard_batch_row before update on batch_row for each row execute function guard_batch_row();
create trigger guard_batch_row_begin after insert on batch_row referencing new table as added
  for each statement execute function guard_batch_row_begin();
create trigger guard_batch_row_end after delete on batch_row referencing old table as removed
  for each statement execute function guard_batch_row_end();
create trigger count_added after insert on batch_row referencing new table as added
  for each statement execute function count_batch_rows();
create trigger count_changed after update on batch_row referencing old table as removed new table as added
  for each statement execute function count_batch_rows();
create trigger count_removed after delete on batch_row referencing old table as removed
  for each statement execute function count_batch_rows();
create trigger keep before update or delete on batch_approval for each row execute function refuse_change();
create trigger keep before update on batch_event for each row execute function refuse_change();
create trigger guard_batch_event_end before delete on batch_event
  for each row execute function guard_batch_event_end();
create trigger keep_all before truncate on batch for each statement execute function refuse_change();
create trigger keep_all before truncate on batch_event for each statement execute function refuse_change();
create trigger keep_all before truncate on batch_approval for each statement execute function refuse_change();
create trigger keep_all before truncate on batch_row for each statement execute function refuse_change();
