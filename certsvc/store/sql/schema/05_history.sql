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

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor short_text not null,
  action short_text not null,
  slot slot_number,
  ref ref_bytes,
  detail jsonb not null default '{}' check (octet_length(detail::text) <= 16384)
);

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

create trigger guard_period before update on status_period for each row execute function guard_period();
create trigger keep before delete on status_period for each row execute function refuse_change();
create trigger keep before update or delete on act_order for each row execute function refuse_change();
create trigger keep before update or delete on event for each row execute function refuse_change();
create trigger keep before update or delete on log_leaf for each row execute function refuse_change();
create trigger keep before update or delete on audit for each row execute function refuse_change();
create trigger keep_all before truncate on status_period for each statement execute function refuse_change();
create trigger keep_all before truncate on act_order for each statement execute function refuse_change();
create trigger keep_all before truncate on event for each statement execute function refuse_change();
create trigger keep_all before truncate on log_leaf for each statement execute function refuse_change();
create trigger keep_all before truncate on audit for each statement execute function refuse_change();
