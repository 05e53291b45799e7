-- Documents of departments that we seal, and digests: a use of a seal is for a certificate or for such a request, and a
-- seal is for the one or the other for ever.

alter table seal_use
  alter column slot drop not null,
  alter column ref drop not null,
  add column request_id text,
  add constraint for_a_certificate_or_a_request
    check (num_nulls(slot, ref) in (0, 2) and (request_id is null) = (ref is not null)),
  drop constraint every_use_names_what_it_seals;

alter table seal_use
  add constraint every_use_names_what_it_seals
    check (digest is not null
      and num_nulls(page, x_mm, y_mm) in (0, case when request_id is null then 0 else 3 end)) not valid;

comment on column seal_use.request_id is 'a sealing request: instead of slot and ref, under a seal that is bound to no types';
comment on constraint every_use_names_what_it_seals on seal_use is 'not valid: uses of before were not asked for it';

create index seal_use_by_request on seal_use (request_id) where request_id is not null;

create table sealing_file (
  client short_text not null,
  sha256 sha256_bytes not null,
  size integer not null check (size between 1 and 20971520),
  uploaded_at timestamptz not null,
  primary key (client, sha256)
);

comment on table sealing_file is 'a file that a client has sent; for another client it does not exist';

create table sealing_request (
  id text primary key check (id ~ '^[0-9a-hjkmnp-tv-z]{26}$'),
  client short_text not null,
  key short_text not null,
  content sha256_bytes not null,
  reason long_text not null,
  source sha256_bytes,
  prepared sha256_bytes,
  pages integer check (pages between 1 and 2000),
  digests bytea check (octet_length(digests) between 32 and 3200 and octet_length(digests) % 32 = 0),
  output text check (output in ('raw', 'cms')),
  requested_at timestamptz not null,
  good_until timestamptz not null check (good_until > requested_at),
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  finished_at timestamptz,
  sealed sha256_bytes,
  signatures bytea check (octet_length(signatures) <= 4194304),
  failure jsonb check (octet_length(failure::text) <= 16384),
  unique (client, key),
  constraint a_file_or_digests check ((source is null) = (digests is not null) and (prepared is null) = (source is null)
    and (pages is null) = (source is null) and (output is null) = (digests is null)),
  constraint finished_with_what_came_of_it check (case state
    when 'waiting' then num_nulls(finished_at, sealed, signatures, failure) = 4
    when 'done' then finished_at is not null and failure is null
      and (sealed is null) = (source is null) and (signatures is null) = (digests is null)
    else num_nulls(finished_at, failure) = 0 and num_nulls(sealed, signatures) = 2 end)
);

comment on column sealing_request.client is 'in whose name the seals are used';
comment on column sealing_request.content is 'SHA-256 of what is asked: the same key with other content is another request';
comment on column sealing_request.prepared is 'SHA-256 of the file that lacks only its seals';
comment on column sealing_request.digests is 'SHA-256 digests to be signed, one after the other';
comment on column sealing_request.good_until is 'after that it is not sealed any more: whoever asked has stopped waiting';

create table sealing_place (
  request_id text not null references sealing_request,
  place smallint not null check (place between 0 and 7),
  seal_id short_text not null references seal,
  page smallint check (page > 0),
  x_mm double precision,
  y_mm double precision,
  primary key (request_id, place),
  unique (request_id, seal_id),
  constraint place_is_whole check (num_nulls(page, x_mm, y_mm) in (0, 3))
);

comment on table sealing_place is 'the seals of a request, in their order; under digests they stand nowhere';

create index sealing_place_by_seal on sealing_place (seal_id);

alter table seal_use add foreign key (request_id) references sealing_request;

create table signing_authorization (
  sad_hash sha256_bytes primary key,
  client short_text not null,
  seal_id short_text not null references seal,
  digests bytea not null check (octet_length(digests) between 32 and 3200 and octet_length(digests) % 32 = 0),
  authorized_at timestamptz not null,
  expires_at timestamptz not null,
  request_id text unique references sealing_request,
  constraint authorized_for_minutes
    check (expires_at > authorized_at and expires_at <= authorized_at + interval '5 minutes')
);

comment on table signing_authorization is 'signature activation data (CSC API): of the secret its SHA-256, good once';

create function require_requested(u seal_use) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  asked sealing_request;
begin
  select * into asked from sealing_request where id = u.request_id for share;
  if asked.state <> 'waiting' or not exists (select from sealing_place p where p.request_id = u.request_id
    and p.seal_id = u.seal_id and (p.page, p.x_mm, p.y_mm) is not distinct from (u.page, u.x_mm, u.y_mm)) then
    raise exception 'a seal is used as the request says, while it waits' using errcode = 'restrict_violation';
  end if;
  if asked.digests is not null and not exists (select from generate_series(1, octet_length(asked.digests), 32) start
    where substr(asked.digests, start, 32) = u.digest) then
    raise exception 'nothing is signed but the digests of the request' using errcode = 'restrict_violation';
  end if;
end
$$;

create function guard_request() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{state,finished_at,sealed,signatures,failure}';
begin
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open or old.state <> 'waiting' then
    raise exception 'a request does not change, and ends once' using errcode = 'restrict_violation';
  end if;
  if new.state = 'done' and exists (select from sealing_place p where p.request_id = new.id
    and not exists (select from seal_use u where u.request_id = p.request_id and u.seal_id = p.seal_id)) then
    raise exception 'a request is not done without a use of each of its seals' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_authorization() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if to_jsonb(old) - 'request_id' is distinct from to_jsonb(new) - 'request_id' or old.request_id is not null then
    raise exception 'an authorisation does not change, and is used once' using errcode = 'restrict_violation';
  end if;
  if not exists (select from sealing_request r join sealing_place p on p.request_id = r.id
    where r.id = new.request_id and r.client = new.client and p.seal_id = new.seal_id and r.digests = new.digests
      and r.requested_at < new.expires_at) then
    raise exception 'an authorisation is for one client, one seal, its digests and its time'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_request before update on sealing_request for each row execute function guard_request();
create trigger guard_authorization before update on signing_authorization
  for each row execute function guard_authorization();
create trigger keep before update or delete on sealing_file for each row execute function refuse_change();
create trigger keep before delete on sealing_request for each row execute function refuse_change();
create trigger keep before update or delete on sealing_place for each row execute function refuse_change();
create trigger keep before delete on signing_authorization for each row execute function refuse_change();
create trigger keep_all before truncate on sealing_file for each statement execute function refuse_change();
create trigger keep_all before truncate on sealing_request for each statement execute function refuse_change();
create trigger keep_all before truncate on sealing_place for each statement execute function refuse_change();
create trigger keep_all before truncate on signing_authorization for each statement execute function refuse_change();

create or replace function guard_seal_use() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known record;
  local constant timestamp := new.intended_at at time zone interval '8 hours';
  minute constant integer := extract(hour from local) * 60 + extract(minute from local);
  midnight constant timestamptz := date_trunc('day', local) at time zone interval '8 hours';
  type_asked text;
begin
  perform require_fresh_reads();
  perform from seal where id = new.seal_id and daily_quota is not null for no key update;
  select state, auditor, manager, certificate_types, page, x_mm, y_mm, daily_quota, opens_minute, closes_minute,
    weekdays_only
  into known from seal where id = new.seal_id for share;
  select type_id into type_asked from certificate where slot = new.slot and ref = new.ref;
  if known.state is distinct from 'enabled' then
    perform refuse_seal('not_enabled', known.state);
  end if;
  perform require_time(new.intended_at,
    (select at from seal_event where seal_id = new.seal_id order by id desc limit 1),
    case when known.daily_quota is not null or known.opens_minute is not null then clock_timestamp() end);
  if known.daily_quota is not null then
    perform require_time(new.intended_at, (
      select date_trunc('day', max(intended_at) at time zone interval '8 hours') at time zone interval '8 hours'
      from seal_use where seal_id = new.seal_id and intended_at < clock_timestamp() + interval '10 minutes'), null);
  end if;
  if new.actor = known.auditor then
    perform refuse_seal('auditor', known.auditor);
  end if;
  if new.actor = known.manager then
    perform refuse_seal('manager', known.manager);
  end if;
  if new.request_id is not null and cardinality(known.certificate_types) > 0 then
    perform refuse_seal('not_for_documents', array_to_string(known.certificate_types, ', '));
  elsif new.request_id is not null then
    perform require_requested(new);
  elsif type_asked <> all (known.certificate_types) then
    perform refuse_seal('not_for_this_type', type_asked);
  end if;
  if known.page is not null
    and (new.page is null or new.page <> known.page or abs(new.x_mm - known.x_mm) > 0.05 or abs(new.y_mm - known.y_mm) > 0.05) then
    perform refuse_seal('elsewhere', format('%s: %s, %s', known.page, known.x_mm, known.y_mm));
  end if;
  if known.weekdays_only and extract(isodow from local) > 5
    or minute < known.opens_minute or minute >= known.closes_minute then
    perform refuse_seal('out_of_hours', format('%s-%s', known.opens_minute, known.closes_minute));
  end if;
  if known.daily_quota is not null and known.daily_quota <= (
    select count(*) from seal_use
    where seal_id = new.seal_id and intended_at >= midnight and intended_at < midnight + interval '1 day') then
    perform refuse_seal('quota_used_up', known.daily_quota::text);
  end if;
  return new;
end
$$;

create or replace function guard_seal() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  newest seal_event;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'new' or new.approver is not null then
      raise exception 'the life of a seal begins with an application' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  select * into newest from seal_event where seal_id = old.id order by id desc limit 1;
  if newest.id is null or new is distinct from seal_after(old, newest) then
    raise exception 'a seal changes as its newest event says, and by nothing else' using errcode = 'restrict_violation';
  end if;
  if (cardinality(old.certificate_types) = 0) <> (cardinality(new.certificate_types) = 0) then
    perform refuse_seal('other_purpose', old.id);
  end if;
  return new;
end
$$;
