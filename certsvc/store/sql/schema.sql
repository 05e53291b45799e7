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
create domain person_name as text check (char_length(value) between 1 and 100 and value !~ '^\s|\s$');

create function is_in_one_spelling(name text) returns boolean
  language sql immutable strict parallel safe
  return name is nfkc normalized
    and name !~ '^ | $|  '
    and name !~ ('[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f'
      '\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff'
      '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]');

comment on function is_in_one_spelling is 'NFKC, single spaces inside and none around, nothing that cannot be seen';

alter domain person_name add constraint name_has_one_spelling check (is_in_one_spelling(value)) not valid;

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

create view seal_act (act, before, after, duties, passes, confirmed) as values
  ('apply', 'new', 'applied', '{applicant}'::text[], null, null),
  ('approve', 'applied', 'approved', '{approver}', null, null),
  ('make', 'approved', 'making', '{manager}', null, null),
  ('made', 'making', 'made', '{manager}', null, null),
  ('enable', 'made', 'enabled', '{manager}', null, null),
  ('suspend', 'enabled', 'suspended', '{manager,keeper}', null, null),
  ('resume', 'suspended', 'enabled', '{manager}', null, null),
  ('hand_over', 'made', 'made', '{manager,approver}', 'keeper', null),
  ('hand_over', 'enabled', 'enabled', '{manager,approver}', 'keeper', null),
  ('hand_over', 'suspended', 'suspended', '{manager,approver}', 'keeper', null),
  ('replace_manager', 'made', 'made', '{approver}', 'manager', null),
  ('replace_manager', 'enabled', 'enabled', '{approver}', 'manager', null),
  ('replace_manager', 'suspended', 'suspended', '{approver}', 'manager', null),
  ('replace_auditor', 'made', 'made', '{approver}', 'auditor', null),
  ('replace_auditor', 'enabled', 'enabled', '{approver}', 'auditor', null),
  ('replace_auditor', 'suspended', 'suspended', '{approver}', 'auditor', null),
  ('replace_approver', 'made', 'made', '{approver,manager}', 'approver', 'keeper'),
  ('replace_approver', 'enabled', 'enabled', '{approver,manager}', 'approver', 'keeper'),
  ('replace_approver', 'suspended', 'suspended', '{approver,manager}', 'approver', 'keeper'),
  ('change_rules', 'enabled', 'enabled', '{manager,keeper}', null, 'approver'),
  ('change_rules', 'suspended', 'suspended', '{manager,keeper}', null, 'approver'),
  ('withdraw', 'applied', 'destroyed', '{applicant}', null, null),
  ('withdraw', 'approved', 'destroyed', '{applicant}', null, null),
  ('destroy', 'making', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'made', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'enabled', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'suspended', 'destroying', '{manager}', null, 'approver'),
  ('destroyed', 'destroying', 'destroyed', '{manager}', null, null);

comment on view seal_act is 'which act is allowed from which state, and by whom (domain/seal_acts.py)';

create table seal (
  id short_text primary key,
  owner short_text not null,
  owner_uscc text not null check (char_length(owner_uscc) = 18),
  design jsonb not null,
  certificate_types text[] not null,
  enrolled_at timestamptz not null,
  rank short_text not null,
  picture bytea check (octet_length(picture) <= 1048576),
  page smallint check (page > 0),
  x_mm double precision,
  y_mm double precision,
  daily_quota integer check (daily_quota >= 0),
  opens_minute smallint,
  closes_minute smallint,
  weekdays_only boolean not null,
  applicant person_name not null,
  approver person_name,
  manager person_name not null,
  keeper person_name not null,
  auditor person_name not null,
  state text not null default 'new',
  constraint seal_state_check check (state in ('new', 'applied', 'approved', 'making', 'made', 'enabled',
    'suspended', 'destroying', 'destroyed')),
  constraint place_is_whole check (num_nulls(page, x_mm, y_mm) in (0, 3)),
  constraint hours_are_of_one_day
    check (case num_nulls(opens_minute, closes_minute)
      when 0 then opens_minute >= 0 and opens_minute < closes_minute and closes_minute <= 1440
      when 2 then not weekdays_only
      else false end),
  constraint three_duties_three_people
    check (manager <> keeper and manager <> auditor and keeper <> auditor),
  constraint nobody_approves_alone check (approver <> applicant and approver <> keeper),
  constraint who_audits_does_nothing_else check (auditor <> applicant and auditor <> approver)
);

alter table seal
  add constraint who_approves_does_not_manage check (approver <> manager) not valid;

comment on column seal.page is 'with x_mm and y_mm the only place it may stand; null: where the layout of the type has it';
comment on column seal.daily_quota is 'how often it may be used on one day (+08:00); null: without limit';
comment on column seal.opens_minute is 'with closes_minute the minutes of the day (+08:00) when it may be used; null: always';
comment on constraint nobody_approves_alone on seal is 'who approves keeps no seal (国办发〔2001〕52号)';

create table seal_event (
  seal_id short_text not null references seal,
  id bigint generated always as identity,
  act short_text not null,
  state text not null,
  actor person_name not null,
  at timestamptz not null,
  reason long_text not null,
  successor person_name,
  confirmed_by person_name,
  certificate sha256_bytes,
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  predecessor short_text,
  rules jsonb check (octet_length(rules::text) <= 65536),
  primary key (seal_id, id),
  unique (client, key),
  constraint nobody_confirms_alone check (confirmed_by <> actor),
  constraint made_names_the_certificate check (certificate is null or act = 'made'),
  constraint rules_change_by_their_act check ((rules is null) = (act <> 'change_rules'))
);

comment on column seal_event.state is 'after the act';
comment on column seal_event.certificate is 'SHA-256 of the X.509 certificate that was made';
comment on column seal_event.predecessor is 'who had the duty that went to the successor; null in events of before 0005';
comment on column seal_event.rules is 'all rules of use from this event on';

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

-- Keys that contents are encrypted with.

create table data_key (
  id short_text primary key,
  fingerprint sha256_bytes not null,
  first_used_at timestamptz not null,
  ended_at timestamptz,
  ended_why text check (ended_why in ('retired', 'lost')),
  constraint ended_for_a_reason check ((ended_at is null) = (ended_why is null))
);

comment on column data_key.fingerprint is 'derived from the key: tells it from another key of the same name';
comment on column data_key.ended_why is 'retired: nothing is encrypted under it any more; lost: what is, cannot be read';

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
  slot slot_number not null,
  ref ref_bytes not null,
  seal_id short_text not null references seal,
  layout short_text not null,
  actor short_text not null,
  intended_at timestamptz not null,
  digest sha256_bytes,
  page smallint,
  x_mm double precision,
  y_mm double precision,
  foreign key (slot, ref) references certificate
);

alter table seal_use
  add constraint every_use_names_what_it_seals
    check (digest is not null and page is not null and x_mm is not null and y_mm is not null) not valid;

alter table seal_use add constraint name_has_one_spelling check (is_in_one_spelling(actor)) not valid;

comment on column seal_use.digest is 'SHA-256 of what the seal signs, on record before the key is used';
comment on constraint every_use_names_what_it_seals on seal_use is 'not valid: uses of before were not asked for it';

create index seal_use_by_certificate on seal_use (slot, ref);
create index seal_use_by_seal on seal_use (seal_id, intended_at, id);

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

create function refuse_change() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end
$$;

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
    and not exists (select from document where slot = new.slot and ref = new.ref) then
    raise exception 'a certificate is not issued without a document' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_period() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if to_jsonb(old) - 'known' is distinct from to_jsonb(new) - 'known'
    or not upper_inf(old.known)
    or not (isempty(new.known) or lower(new.known) = lower(old.known)) then
    raise exception 'what was known of a period does not change: it only ends' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

-- Refusals have the code SL001, say in one word why, and in the detail what was met.

create function refuse_seal(why text, met text) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  raise exception '%', why using errcode = 'SL001', detail = coalesce(met, '');
end
$$;

create function require_fresh_reads() returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'a seal is used and acted on in transactions that are read committed: others would not see what '
      'was just done' using errcode = 'restrict_violation';
  end if;
end
$$;

create function require_time(claimed timestamptz, earliest timestamptz, latest timestamptz) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if claimed > latest + interval '10 minutes' or claimed < earliest - interval '10 minutes' then
    perform refuse_seal('wrong_time', claimed::text);
  end if;
end
$$;

comment on function require_time is 'null: no bound; clocks may be 10 minutes apart';

create function require_successor(e seal_event, passes text) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (passes is null) <> (e.successor is null) then
    perform refuse_seal('successor', passes);
  end if;
  if passes = 'auditor' and (
    exists (select from seal_event o where o.seal_id = e.seal_id and (e.successor in (o.actor, o.confirmed_by)
      or o.act <> 'replace_auditor' and e.successor in (o.predecessor, o.successor)))
    or exists (select from seal_use u where u.seal_id = e.seal_id and u.actor = e.successor)) then
    perform refuse_seal('has_acted', e.successor);
  end if;
  if passes <> 'auditor' and exists (select from seal_event o
    where o.seal_id = e.seal_id and o.act = 'replace_auditor' and e.successor in (o.predecessor, o.successor)) then
    perform refuse_seal('has_audited', e.successor);
  end if;
end
$$;

comment on function require_successor is 'who ever had another duty never audits, who ever audited has no other duty';

create function whole_rules(known seal, changed jsonb) returns jsonb language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_object_agg(key, value)
  from jsonb_each(to_jsonb(jsonb_populate_record(known, changed)))
  where key = any ('{certificate_types,page,x_mm,y_mm,daily_quota,opens_minute,closes_minute,weekdays_only}')
$$;

create function seal_after(known seal, e seal_event) returns seal language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_populate_record(known, jsonb_build_object('state', e.state)
    || case when e.act = 'approve' then jsonb_build_object('approver', e.actor) else '{}' end
    || case when e.successor is null then '{}'
      else jsonb_build_object((select passes from seal_act where act = e.act limit 1), e.successor) end
    || coalesce(e.rules, '{}'))
$$;

comment on function seal_after is 'the seal once an event is on record: nothing else changes it';

create function do_seal_act() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known seal;
  newest seal_event;
  rule seal_act;
begin
  perform require_fresh_reads();
  select * into known from seal where id = new.seal_id for no key update;
  select * into newest from seal_event where seal_id = new.seal_id order by id desc limit 1;
  if known.state <> newest.state then
    raise exception 'one act at a time: what the newest did is not done yet' using errcode = 'restrict_violation';
  end if;
  select * into rule from seal_act where act = new.act and before = known.state;
  if rule.act is null then
    perform refuse_seal('wrong_state', known.state);
  end if;
  perform require_time(new.at, newest.at, clock_timestamp());
  if known.auditor in (new.actor, new.confirmed_by) then
    perform refuse_seal('auditor', known.auditor);
  end if;
  if new.act = 'approve' then
    known.approver := new.actor;
  end if;
  if not exists (select from unnest(rule.duties) duty where to_jsonb(known) ->> duty = new.actor) then
    perform refuse_seal('not_the_duty', array_to_string(rule.duties, ','));
  end if;
  if (to_jsonb(known) ->> rule.confirmed) is distinct from new.confirmed_by then
    perform refuse_seal('not_confirmed', rule.confirmed);
  end if;
  perform require_successor(new, rule.passes);
  new.state := rule.after;
  new.predecessor := to_jsonb(known) ->> rule.passes;
  new.rules := case when new.rules is not null then whole_rules(known, new.rules) end;
  return new;
end
$$;

create function follow_seal_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  follows seal;
begin
  select f.* into follows from seal s, seal_after(s, new) f where s.id = new.seal_id;
  update seal set (state, approver, manager, keeper, auditor, certificate_types, page, x_mm, y_mm, daily_quota,
      opens_minute, closes_minute, weekdays_only) =
    (follows.state, follows.approver, follows.manager, follows.keeper, follows.auditor, follows.certificate_types,
      follows.page, follows.x_mm, follows.y_mm, follows.daily_quota, follows.opens_minute, follows.closes_minute,
      follows.weekdays_only)
  where id = new.seal_id;
  return null;
end
$$;

create function guard_seal() returns trigger language plpgsql
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
  if type_asked <> all (known.certificate_types) then
    perform refuse_seal('not_for_this_type', type_asked);
  end if;
  if known.page is not null
    and (new.page <> known.page or abs(new.x_mm - known.x_mm) > 0.05 or abs(new.y_mm - known.y_mm) > 0.05) then
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

create function guard_data_key() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.id, old.fingerprint, old.first_used_at) is distinct from (new.id, new.fingerprint, new.first_used_at)
    or (old.ended_at is not null and (old.ended_at, old.ended_why) is distinct from (new.ended_at, new.ended_why)) then
    raise exception 'a data key on record does not change: it only ends' using errcode = 'restrict_violation';
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
create trigger guard_period before update on status_period for each row execute function guard_period();

create trigger guard_seal before insert or update on seal for each row execute function guard_seal();
create trigger do_seal_act before insert on seal_event for each row execute function do_seal_act();
create trigger follow_seal_event after insert on seal_event
  for each row execute function follow_seal_event();
create trigger guard_seal_use before insert on seal_use for each row execute function guard_seal_use();

create trigger keep before delete on certificate for each row execute function refuse_change();
create trigger keep before delete on status_period for each row execute function refuse_change();
create trigger keep before delete on seal for each row execute function refuse_change();
create trigger keep before delete on number_series for each row execute function refuse_change();
create trigger keep before update or delete on number for each row execute function refuse_change();
create trigger keep before update or delete on issue_order for each row execute function refuse_change();
create trigger guard_data_key before update on data_key for each row execute function guard_data_key();
create trigger keep before delete on data_key for each row execute function refuse_change();
create trigger keep_all before truncate on data_key for each statement execute function refuse_change();
create trigger guard_holder before update on holder for each row execute function guard_holder();
create trigger keep before delete on holder for each row execute function refuse_change();
create trigger keep before update or delete on act_order for each row execute function refuse_change();
create trigger keep before update or delete on seal_event for each row execute function refuse_change();
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
create trigger keep_all before truncate on seal_event for each statement execute function refuse_change();
create trigger keep_all before truncate on seal_use for each statement execute function refuse_change();
create trigger keep_all before truncate on document for each statement execute function refuse_change();
create trigger keep_all before truncate on event for each statement execute function refuse_change();
create trigger keep_all before truncate on log_leaf for each statement execute function refuse_change();
create trigger keep_all before truncate on audit for each statement execute function refuse_change();

-- What the public role may see: what was issued, and never how it was ordered, sealed or encrypted.

create view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at,
    sha256(token) as token_sha256
  from certificate
  where issued_at is not null;

grant select on public_certificate to certsvc_public;
grant select on document, status_period to certsvc_public;
grant select (slot, ref, id, act, status, effective, recorded_at, reason, legal_basis, decision_number, reason_code,
  retroactive, due, successor, version_ref) on event to certsvc_public;
