-- Acts, holders and versions: all versions of a certificate share one life, and states follow from its events.

drop view public_certificate;

alter table certificate
  drop column successor,
  add column life_ref ref_bytes,
  add column act short_text not null default 'issue',
  add column takes_over date,
  add column place short_text,
  add column head_office text check (char_length(head_office) = 18),
  add column previous_identifier short_text,
  add column ground jsonb not null default '{}' check (octet_length(ground::text) <= 32768);

alter table certificate disable trigger guard_certificate;
update certificate set life_ref = ref, takes_over = (reserved_at at time zone interval '8 hours')::date;
alter table certificate enable trigger guard_certificate;

alter table certificate
  alter column life_ref set not null,
  alter column act drop default,
  alter column takes_over set not null,
  add foreign key (slot, life_ref) references certificate (slot, ref),
  add unique (slot, life_ref, version),
  add constraint first_version_begins_the_life check ((version = 1) = (life_ref = ref));

comment on column certificate.life_ref is 'the first version, against which all events are recorded';
comment on column certificate.takes_over is 'the day on which this version follows the one before';
comment on column certificate.place is 'the premises or device it is for, where there is one certificate for each';
comment on column certificate.head_office is 'the business that a branch belongs to, by its code';
comment on column certificate.ground is 'why this version was made, until the event of its issue says so';

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

insert into holder (slot, ref, place, name, code_kind, code)
select slot, ref, 1, holder_name, holder_code_kind, subject from certificate;

create index holder_by_code on holder (code) where code is not null;
create index holder_by_hash on holder (code_hash) where code_hash is not null;

alter table event
  drop constraint event_status_check,
  add column organ text not null default 'issuer' check (organ in ('issuer', 'enforcer', 'superior')),
  add column confirmed_by short_text,
  add column reason_code short_text,
  add column retroactive boolean not null default false,
  add column due date,
  add column successor short_text,
  add column strikes bigint,
  add column version_ref ref_bytes;

alter table event disable trigger keep;
update event set version_ref = ref where act = 'issue';
alter table event enable trigger keep;

alter table event
  alter column organ drop default,
  alter column retroactive drop default,
  add constraint event_status_check check (status in ('valid', 'renewal_pending', 'recheck_due', 'conditional',
    'dormant', 'suspended', 'closing_due', 'revoked', 'rescinded', 'withdrawn', 'closed', 'superseded',
    'transferred_out')),
  add foreign key (slot, version_ref) references certificate (slot, ref),
  add foreign key (slot, ref, strikes) references event (slot, ref, id),
  add constraint nobody_confirms_alone check (confirmed_by <> actor),
  add constraint acts_of_two_persons check (confirmed_by is not null or act not in ('suspend', 'resume', 'revoke',
    'rescind', 'withdraw', 'close', 'cancel_transfer', 'strike'));

comment on column event.ref is 'the first version: events belong to the life of all versions';
comment on column event.version_ref is 'the version that the act made';

drop index issued_once;
create unique index begun_once on event (slot, ref) where act in ('issue', 'transfer_in');
create unique index issued_once on event (slot, version_ref) where version_ref is not null;

alter table status_period
  drop constraint status_period_slot_ref_event_id_fkey,
  add column life_ref ref_bytes,
  add column conditions jsonb not null default '[]' check (octet_length(conditions::text) <= 16384);

alter table status_period disable trigger guard_period;
update status_period set life_ref = ref;
alter table status_period enable trigger guard_period;

alter table status_period
  alter column life_ref set not null,
  alter column conditions drop default,
  add foreign key (slot, life_ref, event_id) references event (slot, ref, id);

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

create or replace function guard_certificate() returns trigger language plpgsql as $$
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

create trigger keep before update or delete on holder for each row execute function refuse_change();
create trigger keep before update or delete on act_order for each row execute function refuse_change();
create trigger keep_all before truncate on holder for each statement execute function refuse_change();
create trigger keep_all before truncate on act_order for each statement execute function refuse_change();

create view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at
  from certificate
  where issued_at is not null;

grant select on public_certificate to certsvc_public;
grant select (reason_code, retroactive, due, successor, version_ref) on event to certsvc_public;
