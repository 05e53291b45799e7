-- Seals: their lives, and the rules that nobody uses one against.

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
  needs_authorisation boolean not null default false,
  constraint seal_state_check check (state in ('new', 'applied', 'approved', 'making', 'made', 'enabled',
    'suspended', 'destroying', 'destroyed')),
  constraint place_is_whole check (num_nulls(page, x_mm, y_mm) in (0, 3)),
  constraint hours_are_of_one_day
    check (case num_nulls(opens_minute, closes_minute)
      when 0 then opens_minute >= 0 and opens_minute < closes_minute and closes_minute <= 1440
      when 2 then not weekdays_only
      else false end),
  constraint documents_need_no_authorisation check (not needs_authorisation or cardinality(certificate_types) > 0),
  constraint three_duties_three_people
    check (manager <> keeper and manager <> auditor and keeper <> auditor),
  constraint nobody_approves_alone check (approver <> applicant and approver <> keeper),
  constraint who_audits_does_nothing_else check (auditor <> applicant and auditor <> approver)
);

alter table seal
  add constraint who_approves_does_not_manage check (approver <> manager) not valid;

alter table seal
  add constraint external_layouts_have_seals_of_their_own
    check (array_to_string(certificate_types, ' ') ~ '^[^/]*$'
      or array_to_string(certificate_types, ' ') ~ '^([^ /]+/external( |$))+$');

comment on column seal.page is 'with x_mm and y_mm the only place it may stand; null: where the layout of the type has it';
comment on column seal.daily_quota is 'how often it may be used on one day (+08:00); null: without limit';
comment on column seal.needs_authorisation is
  'it is used only by what its keeper opened beforehand, and its book has numbers without gaps; once so, so for ever';
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
    or exists (select from seal_use u where u.seal_id = e.seal_id and e.successor in (u.actor, u.keeper, u.approver))) then
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
  where key = any ('{certificate_types,page,x_mm,y_mm,daily_quota,opens_minute,closes_minute,weekdays_only,
    needs_authorisation}')
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
      opens_minute, closes_minute, weekdays_only, needs_authorisation) =
    (follows.state, follows.approver, follows.manager, follows.keeper, follows.auditor, follows.certificate_types,
      follows.page, follows.x_mm, follows.y_mm, follows.daily_quota, follows.opens_minute, follows.closes_minute,
      follows.weekdays_only, follows.needs_authorisation)
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
  if (cardinality(old.certificate_types) = 0) <> (cardinality(new.certificate_types) = 0) then
    perform refuse_seal('other_purpose', old.id);
  end if;
  if old.needs_authorisation and not new.needs_authorisation then
    perform refuse_seal('needs_it_for_ever', old.id);
  end if;
  return new;
end
$$;

create trigger guard_seal before insert or update on seal for each row execute function guard_seal();
create trigger do_seal_act before insert on seal_event for each row execute function do_seal_act();
create trigger follow_seal_event after insert on seal_event
  for each row execute function follow_seal_event();
create trigger keep before delete on seal for each row execute function refuse_change();
create trigger keep before update or delete on seal_event for each row execute function refuse_change();
create trigger keep_all before truncate on seal for each statement execute function refuse_change();
create trigger keep_all before truncate on seal_event for each statement execute function refuse_change();
