-- Numbers, taken first and never returned; certificates, who holds them, how they were ordered, sealed and filed.

create table number_series (
  template short_text primary key,
  last bigint not null check (last > 0)
);

create table number (
  type_number integer not null check (type_number between 1 and 65535),
  number short_text not null,
  version integer not null check (version between 1 and 999),
  previous integer generated always as (nullif(version - 1, 0)) stored,
  taken_at timestamptz not null,
  primary key (type_number, number, version),
  constraint versions_have_no_gap
    foreign key (type_number, number, previous) references number (type_number, number, version)
);

create table certificate (
  slot slot_number not null,
  ref ref_bytes not null,
  root_ref ref_bytes not null,
  category text not null check (category in ('licence', 'permit', 'proof')),
  type_id short_text not null,
  type_version integer not null check (type_version > 0),
  type_number integer not null,
  number short_text not null,
  version integer not null,
  identifier short_text not null unique,
  holder_name short_text not null,
  holder_code_kind short_text not null,
  subject text check (char_length(subject) = 18),
  issuer_name short_text not null,
  issuer_uscc text not null check (char_length(issuer_uscc) = 18),
  seal_id short_text not null references seal,
  valid_from date not null,
  valid_to date check (valid_to >= valid_from),
  list_name short_text not null,
  list_index integer not null check (list_index between 0 and 1048575),
  public_fields jsonb not null check (octet_length(public_fields::text) <= 65536),
  sealed_payload bytea not null check (octet_length(sealed_payload) <= 1048576),
  payload_key_id short_text not null,
  reserved_at timestamptz not null,
  token bytea check (octet_length(token) between 1 and 300),
  issued_at timestamptz,
  life_ref ref_bytes not null,
  act short_text not null,
  takes_over date not null,
  place short_text,
  head_office text check (char_length(head_office) = 18),
  previous_identifier short_text,
  ground jsonb not null default '{}' check (octet_length(ground::text) <= 32768),
  layout text check (layout = 'external'),
  primary key (slot, ref),
  foreign key (slot, root_ref) references certificate (slot, ref),
  foreign key (slot, life_ref) references certificate (slot, ref),
  unique (slot, life_ref, version),
  constraint first_version_begins_the_life check ((version = 1) = (life_ref = ref)),
  foreign key (type_number, number, version) references number,
  unique (type_number, number, version),
  unique (list_name, list_index),
  constraint slot_is_in_ref check (slot = slot_of(ref)),
  constraint permits_hang_on_a_licence
    check (category = 'licence' or (category = 'permit') = (root_ref <> life_ref)),
  constraint licences_have_a_subject check (category <> 'licence' or subject is not null),
  constraint issued_means_token_kept check (issued_at is null or token is not null)
);

comment on column certificate.root_ref is
  'the licence a permit is tied to; otherwise its own ref (a later version of a licence keeps the first one''s)';

comment on column certificate.life_ref is 'the first version, against which all events are recorded';
comment on column certificate.takes_over is 'the day on which this version follows the one before';
comment on column certificate.place is 'the premises or device it is for, where there is one certificate for each';
comment on column certificate.head_office is 'the business that a branch belongs to, by its code';
comment on column certificate.ground is 'why this version was made, until the event of its issue says so';
comment on column certificate.layout is 'external: its page was laid out elsewhere; null: the layouts of its type';

create index certificate_by_root on certificate (slot, root_ref);
create unique index one_licence_per_business on certificate (slot, subject, version) where category = 'licence';
create index certificate_by_reservation on certificate (reserved_at, ref);
create index certificate_by_type on certificate (type_id, reserved_at, ref);
create index certificate_by_number on certificate (number);
create index certificate_by_subject on certificate (subject) where subject is not null;
create index certificate_unfinished on certificate (reserved_at) where issued_at is null;

create index certificate_by_head_office on certificate (head_office) where head_office is not null;

create table holder (
  slot slot_number not null,
  ref ref_bytes not null,
  place smallint not null check (place > 0),
  name short_text not null,
  code_kind text not null check (char_length(code_kind) = 3),
  code short_text,
  code_hash sha256_bytes,
  primary key (slot, ref, place),
  foreign key (slot, ref) references certificate,
  constraint only_codes_of_organisations_are_in_clear check (code is null or code_kind in ('001', '099'))
);

comment on column holder.name is 'as the public may see it';
comment on column holder.code_hash is 'keyed hash of the kind and the code: found by who knows the code, read by nobody';

create index holder_by_code on holder (code) where code is not null;
create index holder_by_hash on holder (code_hash) where code_hash is not null;

create table issue_order (
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  slot slot_number not null,
  ref ref_bytes not null,
  primary key (client, key),
  foreign key (slot, ref) references certificate deferrable initially deferred
);

create index issue_order_by_certificate on issue_order (slot, ref);

create table seal_use (
  id bigint generated always as identity primary key,
  slot slot_number,
  ref ref_bytes,
  seal_id short_text not null references seal,
  layout short_text not null,
  actor short_text not null,
  intended_at timestamptz not null,
  digest sha256_bytes,
  page smallint,
  x_mm double precision,
  y_mm double precision,
  request_id text,
  foreign key (slot, ref) references certificate,
  constraint for_a_certificate_or_a_request
    check (num_nulls(slot, ref) in (0, 2) and (request_id is null) = (ref is not null))
);

alter table seal_use
  add constraint every_use_names_what_it_seals
    check (digest is not null
      and num_nulls(page, x_mm, y_mm) in (0, case when request_id is null then 0 else 3 end)) not valid;

alter table seal_use add constraint name_has_one_spelling check (is_in_one_spelling(actor)) not valid;

comment on column seal_use.request_id is 'a sealing request: instead of slot and ref, under a seal that is bound to no types';
comment on column seal_use.digest is 'SHA-256 of what the seal signs, on record before the key is used';
comment on constraint every_use_names_what_it_seals on seal_use is 'not valid: uses of before were not asked for it';

create index seal_use_by_certificate on seal_use (slot, ref);
create index seal_use_by_seal on seal_use (seal_id, intended_at, id);
create index seal_use_by_request on seal_use (request_id) where request_id is not null;

create table document (
  sha256 sha256_bytes primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  layout short_text not null,
  size integer not null check (size > 0),
  sealed_at timestamptz not null,
  foreign key (slot, ref) references certificate,
  unique (slot, ref, layout)
);

create function guard_certificate() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{token,issued_at,sealed_payload,payload_key_id}';
begin
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open
    or (old.token is not null and new.token is distinct from old.token)
    or (old.issued_at is not null and new.issued_at is distinct from old.issued_at) then
    raise exception 'a certificate does not change once it is reserved' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_issue() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.issued_at is not null
    and (new.layout is null or exists (select from external_page where slot = new.slot and ref = new.ref))
    and not exists (select from document where slot = new.slot and ref = new.ref) then
    raise exception 'a certificate is not issued without a document' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_seal_use() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known record;
  local constant timestamp := new.intended_at at time zone interval '8 hours';
  minute constant integer := extract(hour from local) * 60 + extract(minute from local);
  midnight constant timestamptz := date_trunc('day', local) at time zone interval '8 hours';
  type_asked text;
begin
  perform require_fresh_reads();
  perform from seal where id = new.seal_id and (daily_quota is not null or needs_authorisation) for no key update;
  select state, auditor, manager, keeper, certificate_types, page, x_mm, y_mm, daily_quota, opens_minute, closes_minute,
    weekdays_only, needs_authorisation
  into known from seal where id = new.seal_id for share;
  select concat_ws('/', type_id, layout) into type_asked from certificate where slot = new.slot and ref = new.ref;
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
  if known.needs_authorisation then
    return authorised_use(new, known.keeper, known.auditor, type_asked);
  end if;
  if num_nulls(new.authorisation_id, new.keeper, new.approver, new.book_number) < 4 then
    raise exception 'only the uses of a seal that needs it are booked under an authorisation'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_holder() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if to_jsonb(old) - 'code_hash' is distinct from to_jsonb(new) - 'code_hash' then
    raise exception 'a holder does not change: only the keyed hash of the code does' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_certificate before update on certificate for each row execute function guard_certificate();
create trigger guard_issue before insert or update of issued_at on certificate
  for each row execute function guard_issue();
create trigger guard_seal_use before insert on seal_use for each row execute function guard_seal_use();
create trigger keep before delete on certificate for each row execute function refuse_change();
create trigger keep before delete on number_series for each row execute function refuse_change();
create trigger keep before update or delete on number for each row execute function refuse_change();
create trigger keep before update or delete on issue_order for each row execute function refuse_change();
create trigger guard_holder before update on holder for each row execute function guard_holder();
create trigger keep before delete on holder for each row execute function refuse_change();
create trigger keep before update or delete on seal_use for each row execute function refuse_change();
create trigger keep before update or delete on document for each row execute function refuse_change();
create trigger keep_all before truncate on certificate for each statement execute function refuse_change();
create trigger keep_all before truncate on number_series for each statement execute function refuse_change();
create trigger keep_all before truncate on number for each statement execute function refuse_change();
create trigger keep_all before truncate on issue_order for each statement execute function refuse_change();
create trigger keep_all before truncate on holder for each statement execute function refuse_change();
create trigger keep_all before truncate on seal_use for each statement execute function refuse_change();
create trigger keep_all before truncate on document for each statement execute function refuse_change();
