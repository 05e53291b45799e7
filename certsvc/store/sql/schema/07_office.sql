-- What the office keeps of requests: answers by idempotency key, approvals, and work to be done.

create table answer (
  client short_text not null,
  key short_text not null,
  fingerprint sha256_bytes not null,
  begun_at timestamptz not null,
  status smallint check (status between 200 and 499),
  headers jsonb check (octet_length(headers::text) <= 8192),
  body bytea check (octet_length(body) <= 1048576),
  primary key (client, key),
  constraint an_answer_is_whole check (num_nulls(status, headers, body) in (0, 3))
);

create index answer_by_age on answer (begun_at);

comment on table answer is 'what a client was answered to a write under one key, for seven days; without a status it is in progress';

create table job (
  id bigint generated always as identity primary key,
  kind short_text not null,
  key short_text not null,
  due_at timestamptz not null,
  failures integer not null default 0 check (failures >= 0),
  error jsonb check (octet_length(error::text) <= 16384),
  unique (kind, key)
);

create index job_due on job (due_at, id);

comment on table job is 'work to be done by whoever locks the row; it is deleted with the work done';

create table taking (
  work short_text primary key,
  times smallint not null check (times > 0),
  by short_text not null,
  at timestamptz not null
);

comment on table taking is
  'work that was begun, on record before it is done; it goes with the work''s end, so what stays ended its process';
comment on column taking.by is 'the process that began it last';

create table approval (
  id short_text primary key,
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  act short_text not null,
  type_id short_text not null,
  seals text[] not null check (array_length(seals, 1) <= 10),
  area text not null check (char_length(area) = 6),
  slot slot_number,
  ref ref_bytes,
  sealed_request bytea not null check (octet_length(sealed_request) <= 2097152),
  payload_key_id short_text not null,
  needed smallint not null check (needed between 1 and 2),
  asked_at timestamptz not null,
  state text not null default 'waiting' check (state in ('waiting', 'approved', 'returned', 'withdrawn', 'done', 'failed')),
  decided_at timestamptz,
  result jsonb check (octet_length(result::text) <= 65536),
  unique (client, key),
  constraint acts_name_their_certificate check (num_nulls(slot, ref) in (0, 2)),
  foreign key (slot, ref) references certificate
);

create index approval_by_state on approval (state, asked_at, id);

comment on table approval is 'what waits for persons: a request of a client, and how many must approve it';

create table approval_decision (
  approval_id short_text not null references approval,
  person person_name not null,
  client short_text not null,
  approves boolean not null,
  reason long_text,
  at timestamptz not null,
  primary key (approval_id, person),
  constraint a_return_says_why check (approves or reason is not null)
);

create function guard_approval() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{state,decided_at,result,sealed_request,payload_key_id}';
begin
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open then
    raise exception 'what is to be approved does not change' using errcode = 'restrict_violation';
  end if;
  if new.state is distinct from old.state and not (
    (old.state = 'waiting' and new.state in ('approved', 'returned', 'withdrawn'))
    or (old.state = 'approved' and new.state in ('done', 'failed'))) then
    raise exception 'an approval does not go from % to %', old.state, new.state using errcode = 'restrict_violation';
  end if;
  if new.state = 'approved' and old.state = 'waiting' and new.needed > (
    select count(*) from approval_decision where approval_id = new.id and approves) then
    raise exception 'not everybody has approved who has to' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_decision() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  asked approval;
begin
  select * into asked from approval where id = new.approval_id for no key update;
  if asked.state <> 'waiting' then
    raise exception 'it is decided' using errcode = 'restrict_violation';
  end if;
  if new.person = asked.client then
    raise exception 'nobody approves what they asked for themselves' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_approval before update on approval for each row execute function guard_approval();
create trigger keep before delete on approval for each row execute function refuse_change();
create trigger keep_all before truncate on approval for each statement execute function refuse_change();
create trigger guard_decision before insert on approval_decision for each row execute function guard_decision();
create trigger keep before update or delete on approval_decision for each row execute function refuse_change();
create trigger keep_all before truncate on approval_decision for each statement execute function refuse_change();
