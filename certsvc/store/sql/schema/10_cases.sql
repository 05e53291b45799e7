-- Cases (一照通行): one application, its parts and their deadlines.

create view case_act (act, before, after, side) as values
  ('open', 'new', 'waiting', 'applicant'),
  ('accept', 'waiting', 'accepted', 'department'),
  ('accept', 'accepted_with_documents', 'accepted', 'department'),
  ('accept_with_documents', 'waiting', 'accepted_with_documents', 'department'),
  ('return', 'waiting', 'returned', 'department'),
  ('return', 'accepted', 'returned', 'department'),
  ('return', 'accepted_with_documents', 'returned', 'department'),
  ('resubmit', 'returned', 'waiting', 'applicant'),
  ('refuse', 'waiting', 'refused', 'department'),
  ('refuse', 'accepted', 'refused', 'department'),
  ('refuse', 'accepted_with_documents', 'refused', 'department'),
  ('refuse', 'returned', 'refused', 'department'),
  ('grant', 'waiting', 'granted', 'department'),
  ('grant', 'accepted', 'granted', 'department'),
  ('grant', 'accepted_with_documents', 'granted', 'department'),
  ('issue', 'granted', 'issued', 'service'),
  ('reopen', 'granted', 'accepted', 'service'),
  ('withdraw', 'waiting', 'withdrawn', 'applicant'),
  ('withdraw', 'accepted', 'withdrawn', 'applicant'),
  ('withdraw', 'accepted_with_documents', 'withdrawn', 'applicant'),
  ('withdraw', 'returned', 'withdrawn', 'applicant'),
  ('end', 'waiting', 'ended', 'service'),
  ('end', 'accepted', 'ended', 'service'),
  ('end', 'accepted_with_documents', 'ended', 'service'),
  ('end', 'returned', 'ended', 'service'),
  ('end', 'granted', 'ended', 'service');

comment on view case_act is 'which act is allowed on a part from which state, and by whom (domain/case.py)';

create table application_case (
  slot slot_number not null,
  ref ref_bytes not null,
  opened_by short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  opened_at timestamptz not null,
  applicant short_text not null,
  licence_type short_text,
  licence_slot slot_number,
  licence_ref ref_bytes,
  primary key (slot, ref),
  unique (opened_by, key),
  foreign key (licence_slot, licence_ref) references certificate (slot, ref),
  constraint slot_is_in_ref check (slot = slot_of(ref)),
  constraint licence_is_whole check (num_nulls(licence_slot, licence_ref) in (0, 2)),
  constraint licence_is_there_or_applied_for check (licence_type is not null or licence_ref is not null)
);

comment on column application_case.applicant is 'the name of the business, masked';
comment on column application_case.licence_type is
  'the licence that is applied for with the permits; null: there is one already';
comment on column application_case.licence_ref is
  'the first version of the licence that the permits hang on, once there is one';

create index application_case_by_licence on application_case (licence_slot, licence_ref) where licence_ref is not null;

create table case_part (
  slot slot_number not null,
  ref ref_bytes not null,
  type_id short_text not null,
  place smallint not null check (place > 0),
  working_days smallint not null check (working_days between 1 and 250),
  state text not null default 'new' check (state in ('new', 'waiting', 'accepted', 'accepted_with_documents',
    'returned', 'granted', 'issued', 'refused', 'withdrawn', 'ended')),
  changed_at timestamptz not null,
  deadline date,
  documents_due date,
  certificate_slot slot_number,
  certificate_ref ref_bytes,
  primary key (slot, ref, type_id),
  unique (slot, ref, place),
  foreign key (slot, ref) references application_case,
  foreign key (certificate_slot, certificate_ref) references certificate (slot, ref),
  constraint issued_means_a_certificate
    check (num_nulls(certificate_slot, certificate_ref) = case state when 'issued' then 0 else 2 end)
);

comment on column case_part.deadline is 'the last day for the decision (+08:00); null while nobody has to decide';

create index case_part_to_decide on case_part
  (type_id, state, coalesce(deadline, date 'infinity'), slot, ref);
create index case_part_by_deadline on case_part (deadline) where deadline is not null;

create table case_event (
  slot slot_number not null,
  ref ref_bytes not null,
  id bigint generated always as identity,
  type_id short_text not null,
  act short_text not null,
  state text not null,
  actor short_text not null,
  at timestamptz not null,
  reason long_text,
  legal_basis long_text,
  decision_number short_text,
  remedies long_text,
  due date,
  deadline date,
  certificate_slot slot_number,
  certificate_ref ref_bytes,
  client short_text,
  key short_text,
  digest sha256_bytes,
  primary key (slot, ref, id),
  unique (client, key),
  foreign key (slot, ref, type_id) references case_part,
  foreign key (certificate_slot, certificate_ref) references certificate (slot, ref),
  constraint request_is_whole check (num_nulls(client, key, digest) in (0, 3)),
  constraint a_refusal_says_why_and_what_can_be_done
    check (act <> 'refuse' or num_nulls(reason, legal_basis, decision_number, remedies) = 0),
  constraint documents_follow_by_a_day
    check (case act when 'accept_with_documents' then num_nulls(reason, legal_basis, due) = 0 else due is null end),
  constraint reasons_are_given check (act not in ('return', 'withdraw', 'end', 'reopen') or reason is not null),
  constraint only_an_issue_names_a_certificate
    check (num_nulls(certificate_slot, certificate_ref) = case act when 'issue' then 0 else 2 end)
);

comment on column case_event.state is 'after the act';
comment on column case_event.client is
  'with key and digest the request that it answers; null for what follows by itself';

create table case_content (
  slot slot_number not null,
  ref ref_bytes not null,
  id bigint generated always as identity,
  type_id short_text,
  at timestamptz not null,
  sealed bytea check (octet_length(sealed) <= 1048576),
  key_id short_text,
  client short_text,
  key short_text,
  digest sha256_bytes,
  erased_at timestamptz,
  primary key (slot, ref, id),
  unique (client, key),
  foreign key (slot, ref) references application_case,
  constraint request_is_whole check (num_nulls(client, key, digest) in (0, 3)),
  constraint erased_is_gone check (num_nulls(sealed, key_id) = case when erased_at is null then 0 else 2 end)
);

comment on table case_content is
  'what a case says of persons, encrypted and bound to its reference; of each kind the newest counts';
comment on column case_content.type_id is 'what a department set of this part; null: the answers to the form';
comment on column case_content.erased_at is 'when the content was erased, some time after the case had ended';

create index case_content_kept on case_content (at) where erased_at is null;

create table case_part_late (
  slot slot_number not null,
  ref ref_bytes not null,
  type_id short_text not null,
  deadline date not null,
  told_at timestamptz not null,
  primary key (slot, ref, type_id, deadline),
  foreign key (slot, ref, type_id) references case_part
);

comment on table case_part_late is 'the deadlines that passed without a decision, once it was told';

create function refuse_case(why text, met text) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  raise exception '%', why using errcode = 'CS001', detail = coalesce(met, '');
end
$$;

create function part_after(known case_part, e case_event) returns case_part language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_populate_record(known, jsonb_build_object('state', e.state, 'changed_at', e.at, 'deadline', e.deadline,
    'documents_due', case when e.act in ('accept', 'accept_with_documents', 'return') then e.due
      else known.documents_due end,
    'certificate_slot', e.certificate_slot, 'certificate_ref', e.certificate_ref))
$$;

comment on function part_after is 'the part once an event is on record: nothing else changes it';

create function do_case_act() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known case_part;
  rule case_act;
  licence record;
begin
  select licence_type, licence_slot, licence_ref into licence
  from application_case where slot = new.slot and ref = new.ref for no key update;
  select * into known from case_part
  where slot = new.slot and ref = new.ref and type_id = new.type_id for no key update;
  select * into rule from case_act where act = new.act and before = known.state;
  if rule.act is null then
    perform refuse_case('wrong_state', known.state);
  end if;
  if new.act = 'issue' and not exists (
    select from certificate c
    where c.slot = new.certificate_slot and c.ref = new.certificate_ref and c.type_id = new.type_id
      and c.issued_at is not null
      and (new.type_id = licence.licence_type or (c.slot, c.root_ref) = (licence.licence_slot, licence.licence_ref))) then
    perform refuse_case('no_such_certificate', new.type_id);
  end if;
  new.state := rule.after;
  new.at := greatest(new.at, known.changed_at);
  return new;
end
$$;

create function follow_case_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  follows case_part;
begin
  select f.* into follows from case_part p, part_after(p, new) f
  where p.slot = new.slot and p.ref = new.ref and p.type_id = new.type_id;
  update case_part set (state, changed_at, deadline, documents_due, certificate_slot, certificate_ref) =
    (follows.state, follows.changed_at, follows.deadline, follows.documents_due, follows.certificate_slot,
      follows.certificate_ref)
  where slot = new.slot and ref = new.ref and type_id = new.type_id;
  if new.act = 'issue' then
    update application_case set licence_slot = new.certificate_slot, licence_ref = new.certificate_ref
    where slot = new.slot and ref = new.ref and licence_type = new.type_id;
  end if;
  return null;
end
$$;

create function guard_case_part() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  newest case_event;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'new' or new.deadline is not null or new.documents_due is not null then
      raise exception 'a part begins by being received' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  select * into newest from case_event
  where slot = old.slot and ref = old.ref and type_id = old.type_id order by id desc limit 1;
  if newest.id is null or new is distinct from part_after(old, newest) then
    raise exception 'a part changes as its newest event says, and by nothing else' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_case() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{licence_slot,licence_ref}';
begin
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open
    or (old.licence_slot, old.licence_ref) is distinct from (new.licence_slot, new.licence_ref)
      and (old.licence_ref is not null or not exists (
        select from case_part p
        where p.slot = old.slot and p.ref = old.ref and p.type_id = old.licence_type
          and (p.certificate_slot, p.certificate_ref) = (new.licence_slot, new.licence_ref))) then
    raise exception 'a case does not change: it only gets its licence' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_case_content() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{sealed,key_id,erased_at}';
begin
  if old.erased_at is not null or to_jsonb(old) - open is distinct from to_jsonb(new) - open then
    raise exception 'what was answered does not change: only the key it lies under does, until it is erased'
      using errcode = 'restrict_violation';
  end if;
  if new.erased_at is not null and exists (
    select from case_part p
    where p.slot = old.slot and p.ref = old.ref
      and p.state not in ('issued', 'refused', 'withdrawn', 'ended')) then
    raise exception 'what was answered is kept until the case has ended' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_case before update on application_case for each row execute function guard_case();
create trigger guard_case_part before insert or update on case_part for each row execute function guard_case_part();
create trigger do_case_act before insert on case_event for each row execute function do_case_act();
create trigger follow_case_event after insert on case_event for each row execute function follow_case_event();
create trigger guard_case_content before update on case_content for each row execute function guard_case_content();
create trigger keep before delete on application_case for each row execute function refuse_change();
create trigger keep before delete on case_part for each row execute function refuse_change();
create trigger keep before update or delete on case_event for each row execute function refuse_change();
create trigger keep before delete on case_content for each row execute function refuse_change();
create trigger keep before update or delete on case_part_late for each row execute function refuse_change();
create trigger keep_all before truncate on application_case for each statement execute function refuse_change();
create trigger keep_all before truncate on case_part for each statement execute function refuse_change();
create trigger keep_all before truncate on case_event for each statement execute function refuse_change();
create trigger keep_all before truncate on case_content for each statement execute function refuse_change();
create trigger keep_all before truncate on case_part_late for each statement execute function refuse_change();

create view public_case as
  select slot, ref, applicant, opened_at from application_case;

create view public_case_part as
  select p.slot, p.ref, p.place, p.type_id, p.state, p.changed_at, p.deadline, p.documents_due, p.certificate_ref,
    c.licence_slot, c.licence_ref
  from application_case c
  join case_part p on p.slot = c.slot and p.ref = c.ref;

grant select on public_case, public_case_part to certsvc_public;
