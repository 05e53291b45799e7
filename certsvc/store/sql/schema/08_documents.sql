-- Documents of departments that we seal, and digests: what is asked, what was authorised, and what came of it.

create table sealing_file (
  client short_text not null,
  sha256 sha256_bytes not null,
  size integer not null check (size between 1 and 20971520),
  uploaded_at timestamptz not null,
  used boolean not null default false,
  primary key (client, sha256)
);

comment on table sealing_file is 'a file that a client has sent; for another client it does not exist';
comment on column sealing_file.used is 'something was made of it, so it is kept; else it goes some time after it was sent last';

create index sealing_file_sha256 on sealing_file (sha256);
create index sealing_file_unused on sealing_file (uploaded_at) where not used;

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

create unique index sealing_request_sealed on sealing_request (sealed) where sealed is not null;
create index sealing_request_source on sealing_request (source) where source is not null;

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

create function guard_upload() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{uploaded_at,used}';
begin
  if tg_op = 'DELETE' then
    if old.used then
      raise exception 'a file that something was made of is kept' using errcode = 'restrict_violation';
    end if;
    return old;
  end if;
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open or new.uploaded_at < old.uploaded_at
    or (old.used and not new.used) then
    raise exception 'of a file only when it was sent last and its first use change' using errcode = 'restrict_violation';
  end if;
  return new;
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
create trigger guard_upload before update or delete on sealing_file for each row execute function guard_upload();
create trigger keep before delete on sealing_request for each row execute function refuse_change();
create trigger keep before update or delete on sealing_place for each row execute function refuse_change();
create trigger keep before delete on signing_authorization for each row execute function refuse_change();
create trigger keep_all before truncate on sealing_file for each statement execute function refuse_change();
create trigger keep_all before truncate on sealing_request for each statement execute function refuse_change();
create trigger keep_all before truncate on sealing_place for each statement execute function refuse_change();
create trigger keep_all before truncate on signing_authorization for each statement execute function refuse_change();
