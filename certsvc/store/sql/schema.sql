-- The register: every certificate, its events, and what may be said of it on any day as known at any time.

create extension if not exists btree_gist;

do $$
begin
  if not exists (select from pg_roles where rolname = 'certsvc_public') then
    raise exception 'the role certsvc_public is missing; create it first: create role certsvc_public login';
  end if;
end
$$;

create domain ref_bytes as bytea check (octet_length(value) = 10);
create domain sha256_bytes as bytea check (octet_length(value) = 32);
create domain slot_number as smallint check (value between 0 and 4095);
create domain short_text as text check (char_length(value) between 1 and 400);
create domain long_text as text check (char_length(value) between 1 and 4000);

create function slot_of(ref bytea) returns smallint
  language sql immutable strict parallel safe
  return (get_byte(ref, 0) * 16 + get_byte(ref, 1) / 16)::smallint;

-- Numbers: taken first, never returned.

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

-- Seals and certificates.

create table seal (
  id short_text primary key,
  owner short_text not null,
  owner_uscc text not null check (char_length(owner_uscc) = 18),
  design jsonb not null,
  certificate_types text[] not null,
  enrolled_at timestamptz not null
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
  primary key (slot, ref),
  foreign key (slot, root_ref) references certificate (slot, ref),
  foreign key (slot, life_ref) references certificate (slot, ref),
  unique (slot, life_ref, version),
  constraint first_version_begins_the_life check ((version = 1) = (life_ref = ref)),
  foreign key (type_number, number, version) references number,
  unique (type_number, number, version),
  unique (list_name, list_index),
  constraint slot_is_in_ref check (slot = slot_of(ref)),
  constraint permits_hang_on_a_licence check (category = 'licence' or (category = 'permit') = (root_ref <> ref)),
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

create index certificate_by_root on certificate (slot, root_ref);
create unique index one_licence_per_business on certificate (slot, subject, version) where category = 'licence';
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

create table seal_use (
  id bigint generated always as identity primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  seal_id short_text not null references seal,
  layout short_text not null,
  actor short_text not null,
  intended_at timestamptz not null,
  foreign key (slot, ref) references certificate
);

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

-- History: events, and the periods that follow from them.

create table event (
  slot slot_number not null,
  ref ref_bytes not null,
  id bigint generated always as identity,
  act short_text not null,
  status text not null,
  effective date not null,
  recorded_at timestamptz not null,
  actor short_text not null,
  reason long_text,
  legal_basis long_text,
  decision_number short_text,
  organ text not null check (organ in ('issuer', 'enforcer', 'superior')),
  confirmed_by short_text,
  reason_code short_text,
  retroactive boolean not null,
  due date,
  successor short_text,
  strikes bigint,
  version_ref ref_bytes,
  primary key (slot, ref, id),
  foreign key (slot, ref) references certificate,
  foreign key (slot, version_ref) references certificate (slot, ref),
  foreign key (slot, ref, strikes) references event (slot, ref, id),
  constraint event_status_check check (status in ('valid', 'renewal_pending', 'recheck_due', 'conditional',
    'dormant', 'suspended', 'closing_due', 'revoked', 'rescinded', 'withdrawn', 'closed', 'superseded',
    'transferred_out')),
  constraint nobody_confirms_alone check (confirmed_by <> actor),
  constraint acts_of_two_persons check (confirmed_by is not null or act not in ('suspend', 'resume', 'revoke',
    'rescind', 'withdraw', 'close', 'cancel_transfer', 'strike'))
);

comment on column event.ref is 'the first version: events belong to the life of all versions';
comment on column event.version_ref is 'the version that the act made';

create unique index begun_once on event (slot, ref) where act in ('issue', 'transfer_in');
create unique index issued_once on event (slot, version_ref) where version_ref is not null;

create table act_order (
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  slot slot_number not null,
  ref ref_bytes not null,
  event_id bigint not null,
  primary key (client, key),
  foreign key (slot, ref, event_id) references event (slot, ref, id)
);

create table status_period (
  slot slot_number not null,
  ref ref_bytes not null,
  id bigint generated always as identity,
  status text not null,
  valid daterange not null check (not isempty(valid)),
  known tstzrange not null,
  event_id bigint not null,
  life_ref ref_bytes not null,
  conditions jsonb not null check (octet_length(conditions::text) <= 16384),
  primary key (slot, ref, id),
  foreign key (slot, life_ref, event_id) references event (slot, ref, id),
  constraint one_state_at_a_time exclude using gist (slot with =, ref with =, valid with &&, known with &&)
);

comment on column status_period.known is
  'since when we knew, until when we thought so; empty when corrected at the instant it was recorded';

create table log_leaf (
  id bigint generated always as identity primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  event_id bigint not null,
  salt bytea not null check (octet_length(salt) = 32),
  hash sha256_bytes not null,
  recorded_at timestamptz not null,
  foreign key (slot, ref, event_id) references event,
  unique (slot, ref, event_id)
);

comment on table log_leaf is 'SHA-256 over 0x00, the salt and the canonical JSON of the event; in the order of id';

create table outbox (
  id bigint generated always as identity primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  event_id bigint not null,
  recorded_at timestamptz not null,
  foreign key (slot, ref, event_id) references event,
  unique (slot, ref, event_id)
);

comment on table outbox is 'events that others have not been told of yet; who has told them deletes the row';

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor short_text not null,
  action short_text not null,
  slot slot_number,
  ref ref_bytes,
  detail jsonb not null default '{}' check (octet_length(detail::text) <= 16384)
);

-- The promises that constraints cannot hold.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end
$$;

create function guard_certificate() returns trigger language plpgsql as $$
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

create function guard_issue() returns trigger language plpgsql as $$
begin
  if new.issued_at is not null
    and not exists (select from document where slot = new.slot and ref = new.ref) then
    raise exception 'a certificate is not issued without a document' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_period() returns trigger language plpgsql as $$
begin
  if to_jsonb(old) - 'known' is distinct from to_jsonb(new) - 'known'
    or not upper_inf(old.known)
    or not (isempty(new.known) or lower(new.known) = lower(old.known)) then
    raise exception 'what was known of a period does not change: it only ends' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_certificate before update on certificate for each row execute function guard_certificate();
create trigger guard_issue before insert or update of issued_at on certificate
  for each row execute function guard_issue();
create trigger guard_period before update on status_period for each row execute function guard_period();

create trigger keep before delete on certificate for each row execute function refuse_change();
create trigger keep before delete on status_period for each row execute function refuse_change();
create trigger keep before delete on seal for each row execute function refuse_change();
create trigger keep before delete on number_series for each row execute function refuse_change();
create trigger keep before update or delete on number for each row execute function refuse_change();
create trigger keep before update or delete on issue_order for each row execute function refuse_change();
create trigger keep before update or delete on holder for each row execute function refuse_change();
create trigger keep before update or delete on act_order for each row execute function refuse_change();
create trigger keep before update or delete on seal_use for each row execute function refuse_change();
create trigger keep before update or delete on document for each row execute function refuse_change();
create trigger keep before update or delete on event for each row execute function refuse_change();
create trigger keep before update or delete on log_leaf for each row execute function refuse_change();
create trigger keep before update or delete on audit for each row execute function refuse_change();

create trigger keep_all before truncate on certificate for each statement execute function refuse_change();
create trigger keep_all before truncate on status_period for each statement execute function refuse_change();
create trigger keep_all before truncate on seal for each statement execute function refuse_change();
create trigger keep_all before truncate on number_series for each statement execute function refuse_change();
create trigger keep_all before truncate on number for each statement execute function refuse_change();
create trigger keep_all before truncate on issue_order for each statement execute function refuse_change();
create trigger keep_all before truncate on holder for each statement execute function refuse_change();
create trigger keep_all before truncate on act_order for each statement execute function refuse_change();
create trigger keep_all before truncate on seal_use for each statement execute function refuse_change();
create trigger keep_all before truncate on document for each statement execute function refuse_change();
create trigger keep_all before truncate on event for each statement execute function refuse_change();
create trigger keep_all before truncate on log_leaf for each statement execute function refuse_change();
create trigger keep_all before truncate on audit for each statement execute function refuse_change();

-- What the public role may see: what was issued, and never how it was ordered, sealed or encrypted.

create view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at
  from certificate
  where issued_at is not null;

grant select on public_certificate to certsvc_public;
grant select on document, status_period to certsvc_public;
grant select (slot, ref, id, act, status, effective, recorded_at, reason, legal_basis, decision_number, reason_code,
  retroactive, due, successor, version_ref) on event to certsvc_public;
