-- Who may call: clients, their keys, and which assertions were seen.

create table client (
  id text primary key check (id ~ '^c-[a-z2-7]{20}$'),
  name person_name not null unique,
  kind text not null check (kind in ('system', 'person')),
  organisation short_text,
  scopes text[] not null,
  state text not null default 'active' check (state in ('active', 'cut_off')),
  registered_at timestamptz not null,
  constraint scopes_have_a_size check (cardinality(scopes) between 1 and 100 and array_position(scopes, null) is null
    and octet_length(array_to_string(scopes, ' ')) <= 4096),
  constraint persons_approve check (kind = 'person' or ' ' || array_to_string(scopes, ' ') !~ ' approve:')
);

comment on column client.name is 'what it acts under, for ever: never given to another, or to a client of another kind';

create table client_event (
  client_id text not null references client,
  id bigint generated always as identity,
  act text not null check (act in ('register', 'rotate', 'rescope', 'cut_off')),
  actor person_name not null,
  at timestamptz not null,
  reason long_text,
  scopes text[],
  primary key (client_id, id),
  constraint who_is_cut_off_is_told_why check (act <> 'cut_off' or reason is not null),
  constraint scopes_are_registered_or_changed check ((scopes is null) = (act in ('rotate', 'cut_off')))
);

comment on column client_event.scopes is 'all scopes from this event on';

create table client_key (
  client_id text not null references client,
  kid short_text not null,
  thumbprint sha256_bytes not null unique,
  jwk jsonb not null check (octet_length(jwk::text) <= 4096),
  not_before timestamptz not null,
  not_after timestamptz,
  added_by bigint not null,
  ended_by bigint,
  primary key (client_id, kid),
  foreign key (client_id, added_by) references client_event,
  foreign key (client_id, ended_by) references client_event,
  constraint an_end_is_an_event check ((not_after is null) = (ended_by is null)),
  constraint only_public_keys check (not jwk ?| array['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
);

comment on column client_key.thumbprint is 'RFC 7638; unique: one key vouches for one client';
comment on column client_key.not_after is 'from then on it vouches for nothing; null: until another follows it';

create table used_assertion (
  client_id text not null references client,
  jti sha256_bytes not null,
  expires_at timestamptz not null,
  primary key (client_id, jti)
);

create index used_assertion_by_end on used_assertion (expires_at);

comment on table used_assertion is 'SHA-256 of the jti of every assertion that was taken, until it is past anyway';

create function scope_patterns(scopes text[]) returns text[] language sql immutable parallel safe
  return array(
    select part[1] || ':' || replace(part[2], '*', '%') || ':' || seal || ':' || replace(coalesce(part[4], '*'), '*', '') || '%'
    from unnest(scopes) as scope, string_to_array(regexp_replace(scope, '([\\%_])', '\\\1', 'g'), ':') as part,
      unnest(array[replace(coalesce(part[3], '*'), '*', '%'), '']) as seal);

comment on function scope_patterns is 'what each scope covers, as patterns for LIKE over action:type:seal:area; any seal will do for none';

create function scopes_cover(scopes text[], action text, type_id text, seal_id text, area text) returns boolean
  language sql immutable parallel safe
  return action || ':' || type_id || ':' || coalesce(seal_id, '') || ':' || area like any (scope_patterns(scopes));

comment on function scopes_cover is 'domain/scope.py in SQL: a test compares the two';

create function scopes_name(scopes text[], action text) returns boolean
  language sql immutable parallel safe
  return exists (select from unnest(scopes) as scope where starts_with(scope, action || ':'));

comment on function scopes_name is 'whether any scope is for this action, wherever';

create function guard_client() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  newest client_event;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'active' then
      raise exception 'a client begins active' using errcode = 'restrict_violation';
    end if;
    if new.kind = 'system' and (
      exists (select from seal where new.name in (applicant, approver, manager, keeper, auditor))
      or exists (select from seal_event where new.name in (actor, predecessor, successor, confirmed_by))
      or exists (select from account where name = new.name)) then
      raise exception 'this is the name of a person' using errcode = 'check_violation',
        constraint = 'persons_are_no_systems';
    end if;
    return new;
  end if;
  select * into newest from client_event where client_id = old.id order by id desc limit 1;
  if (new.id, new.name, new.kind, new.organisation, new.registered_at)
      is distinct from (old.id, old.name, old.kind, old.organisation, old.registered_at)
    or new.scopes is distinct from coalesce(newest.scopes, old.scopes)
    or new.state is distinct from (case newest.act when 'cut_off' then 'cut_off' else old.state end) then
    raise exception 'a client changes as its newest event says, and by nothing else'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function do_client_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known client;
begin
  select * into known from client where id = new.client_id for no key update;
  if known.state <> 'active' then
    raise exception 'a client that was cut off stays as it is' using errcode = 'restrict_violation';
  end if;
  if (new.act = 'register') = exists (select from client_event where client_id = new.client_id)
    or (new.act = 'register' and new.scopes is distinct from known.scopes) then
    raise exception 'a client is registered first, once, as it is' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function follow_client_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  update client set scopes = coalesce(new.scopes, scopes),
    state = case new.act when 'cut_off' then 'cut_off' else state end
  where id = new.client_id;
  return null;
end
$$;

create function require_registration() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (select from client_event where client_id = new.id)
    or not exists (select from client_key where client_id = new.id) then
    raise exception 'a client has a key, and somebody who registered it' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create function guard_client_key() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  newest constant bigint := (select max(id) from client_event where client_id = new.client_id);
begin
  if tg_op = 'INSERT' then
    if new.not_after is not null or new.added_by <> newest then
      raise exception 'a key is added by the newest event of its client, and ends by a later one'
        using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if (new.client_id, new.kid, new.thumbprint, new.jwk, new.not_before, new.added_by)
      is distinct from (old.client_id, old.kid, old.thumbprint, old.jwk, old.not_before, old.added_by)
    or new.not_after is null or new.not_after > old.not_after or new.ended_by <> newest then
    raise exception 'a key on record does not change: it only ends, or ends sooner' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_client before insert or update on client for each row execute function guard_client();
create constraint trigger require_registration after insert on client deferrable initially deferred
  for each row execute function require_registration();
create trigger do_client_event before insert on client_event for each row execute function do_client_event();
create trigger follow_client_event after insert on client_event
  for each row execute function follow_client_event();
create trigger guard_client_key before insert or update on client_key
  for each row execute function guard_client_key();
create trigger keep before delete on client for each row execute function refuse_change();
create trigger keep before update or delete on client_event for each row execute function refuse_change();
create trigger keep before delete on client_key for each row execute function refuse_change();
create trigger keep before update on used_assertion for each row execute function refuse_change();
create trigger keep_all before truncate on client for each statement execute function refuse_change();
create trigger keep_all before truncate on client_event for each statement execute function refuse_change();
create trigger keep_all before truncate on client_key for each statement execute function refuse_change();
create trigger keep_all before truncate on used_assertion for each statement execute function refuse_change();
