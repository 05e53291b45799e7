-- What others are told: notices, where they go, and how each delivery fared.

create table notice (
  id bigint generated always as identity primary key,
  position bigint unique check (position > 0),
  at timestamptz not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}\.[a-z_]{1,40}$'),
  client short_text,
  slot slot_number,
  ref ref_bytes,
  type_id short_text,
  seal_id short_text,
  area text check (area ~ '^[0-9]{6}$'),
  data jsonb not null check (jsonb_typeof(data) = 'object' and octet_length(data::text) <= 16384),
  action text check (action in ('read', 'decide', 'answer')),
  foreign key (slot, ref) references certificate,
  constraint somebody_is_told check (client is not null or action is not null),
  constraint whom_is_known check ((action is null) = (type_id is null) and (action is null) = (area is null)
    and (ref is null) = (slot is null) and (ref is null) = (seal_id is null)
    and (ref is not null) = (action is not null and action <> 'decide'))
);

comment on table notice is 'what others are told, written in the transaction of what happened';
comment on column notice.position is
  'given once it is committed, one after the other and without a gap: ids are not in the order of committing';
comment on column notice.client is 'who is told by name; besides, everybody is whose scopes allow the action there';
comment on column notice.action is
  'to read the certificate, to decide a part of a case of this type, or to answer a report about the certificate';
comment on column notice.area is 'where the organ is, as it was then: characters 3 to 8 of its code';

create index notice_without_position on notice (id) where position is null;
create index notice_by_time on notice using brin (at);

create table notice_end (
  here boolean primary key default true check (here),
  position bigint not null check (position >= 0)
);

comment on table notice_end is 'the last position given; who gives the next locks this row';

create function guard_notice() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if to_jsonb(old) - 'position' is distinct from to_jsonb(new) - 'position' or old.position is not null then
    raise exception 'a notice does not change: it only gets its position' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_notice_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.position < old.position then
    raise exception 'positions are never given again' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function may_be_told(known notice, name text, scopes text[]) returns boolean
  language sql immutable parallel safe
  return known.client is not distinct from name
    or (known.action is not null and scopes_cover(scopes, known.action, known.type_id, known.seal_id, known.area));

comment on function may_be_told is 'whether a notice is for the client of this name with these scopes';

create trigger guard_notice before update on notice for each row execute function guard_notice();
create trigger guard_notice_end before update on notice_end for each row execute function guard_notice_end();
create trigger keep before delete on notice for each row execute function refuse_change();
create trigger keep before delete on notice_end for each row execute function refuse_change();
create trigger keep_all before truncate on notice for each statement execute function refuse_change();
create trigger keep_all before truncate on notice_end for each statement execute function refuse_change();

create table webhook (
  id text primary key check (id ~ '^w-[a-z2-7]{20}$'),
  client person_name not null references client (name),
  url text not null check (char_length(url) between 1 and 2000),
  kinds text[] check (cardinality(kinds) between 1 and 50 and array_position(kinds, null) is null
    and octet_length(array_to_string(kinds, ' ')) <= 4096),
  state text not null default 'active' check (state in ('active', 'paused', 'disabled', 'removed')),
  disabled_why text check (disabled_why in ('gone', 'failed', 'owner', 'not_allowed')),
  made_at timestamptz not null,
  sealed_secret bytea check (octet_length(sealed_secret) between 1 and 400),
  secret_key_id short_text,
  old_sealed_secret bytea check (octet_length(old_sealed_secret) between 1 and 400),
  old_secret_key_id short_text,
  old_secret_until timestamptz,
  failing_since timestamptz,
  failures integer not null default 0 check (failures >= 0),
  rests_until timestamptz,
  constraint secrets_go_with_it check ((state = 'removed') = (sealed_secret is null)),
  constraint secrets_have_their_key check (num_nulls(sealed_secret, secret_key_id) in (0, 2)
    and num_nulls(old_sealed_secret, old_secret_key_id, old_secret_until) in (0, 3)),
  constraint disabled_for_a_reason check ((state = 'disabled') = (disabled_why is not null)),
  constraint failing_has_a_beginning check ((failures = 0) = (failing_since is null)
    and (failures = 0) = (rests_until is null))
);

create index webhook_by_client on webhook (client) where state <> 'removed';

create table webhook_request (
  client person_name not null references client (name),
  key short_text not null,
  digest sha256_bytes not null,
  webhook_id text not null references webhook,
  primary key (client, key)
);

create table webhook_delivery (
  id bigint generated always as identity primary key,
  webhook_id text not null references webhook,
  notice_id bigint references notice,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  made_at timestamptz not null,
  due_at timestamptz not null,
  attempts integer not null default 0 check (attempts >= 0),
  tries integer not null default 0 check (tries between 0 and attempts),
  ended_at timestamptz,
  unique (webhook_id, notice_id),
  constraint what_ended_has_an_end check ((state = 'pending') = (ended_at is null))
);

comment on column webhook_delivery.notice_id is 'what is told; nothing for a ping';
comment on column webhook_delivery.tries is 'attempts since it was last begun: a replay begins anew';

create index webhook_delivery_due on webhook_delivery (webhook_id, due_at, id) where state = 'pending';
create index webhook_delivery_listed on webhook_delivery (webhook_id, id);
create index webhook_delivery_ended on webhook_delivery (ended_at) where ended_at is not null;

create table webhook_attempt (
  delivery_id bigint not null references webhook_delivery on delete cascade,
  number integer not null check (number > 0),
  begun_at timestamptz not null,
  took_ms integer check (took_ms between 0 and 600000),
  status smallint check (status between 100 and 999),
  trouble text check (trouble ~ '^[a-z_]{1,40}$'),
  answer text check (char_length(answer) <= 500),
  primary key (delivery_id, number),
  constraint an_end_says_what_came check (num_nulls(status, trouble) = case when took_ms is null then 2 else 1 end)
);

comment on table webhook_attempt is 'on record before it is made; without an end it was broken off, and may have arrived';

create function guard_webhook() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.id, old.client, old.made_at) is distinct from (new.id, new.client, new.made_at) or old.state = 'removed' then
    raise exception 'a web-hook keeps its owner, and one that is removed stays so' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_attempt() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.delivery_id, old.number, old.begun_at) is distinct from (new.delivery_id, new.number, new.begun_at)
    or old.took_ms is not null then
    raise exception 'an attempt does not change: it only ends' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_webhook before update on webhook for each row execute function guard_webhook();
create trigger guard_attempt before update on webhook_attempt for each row execute function guard_attempt();
create trigger keep before delete on webhook for each row execute function refuse_change();
create trigger keep before update or delete on webhook_request for each row execute function refuse_change();
create trigger keep_all before truncate on webhook for each statement execute function refuse_change();
create trigger keep_all before truncate on webhook_request for each statement execute function refuse_change();
