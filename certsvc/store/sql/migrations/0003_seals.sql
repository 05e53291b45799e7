-- Seals as objects: their life as events, the people who answer for them, and rules that every use must meet.

create domain person_name as text check (char_length(value) between 1 and 100 and value !~ '^\s|\s$');

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
  ('withdraw', 'applied', 'destroyed', '{applicant}', null, null),
  ('withdraw', 'approved', 'destroyed', '{applicant}', null, null),
  ('destroy', 'making', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'made', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'enabled', 'destroying', '{manager}', null, 'approver'),
  ('destroy', 'suspended', 'destroying', '{manager}', null, 'approver'),
  ('destroyed', 'destroying', 'destroyed', '{manager}', null, null);

comment on view seal_act is 'which act is allowed from which state, and by whom (domain/seal_acts.py)';

alter table seal
  add column rank short_text,
  add column picture bytea check (octet_length(picture) <= 1048576),
  add column page smallint check (page > 0),
  add column x_mm double precision,
  add column y_mm double precision,
  add column daily_quota integer check (daily_quota >= 0),
  add column opens_minute smallint,
  add column closes_minute smallint,
  add column weekdays_only boolean not null default false,
  add column applicant person_name,
  add column approver person_name,
  add column manager person_name,
  add column keeper person_name,
  add column auditor person_name,
  add column state text not null default 'enabled';

update seal set
  design = design || '{"height_mm": null, "kind": "01", "picture": null}',
  rank = 'department',
  applicant = '未登记的申请人 applicant not on record',
  approver = '未登记的批准人 approver not on record',
  manager = '未登记的管理人 manager not on record',
  keeper = '未登记的保管人 keeper not on record',
  auditor = '未登记的监督人 auditor not on record';

alter table seal
  alter column rank set not null,
  alter column applicant set not null,
  alter column manager set not null,
  alter column keeper set not null,
  alter column auditor set not null,
  alter column weekdays_only drop default,
  alter column state set default 'new',
  add constraint seal_state_check check (state in ('new', 'applied', 'approved', 'making', 'made', 'enabled',
    'suspended', 'destroying', 'destroyed')),
  add constraint place_is_whole check (num_nulls(page, x_mm, y_mm) in (0, 3)),
  add constraint hours_are_of_one_day
    check (case num_nulls(opens_minute, closes_minute)
      when 0 then opens_minute >= 0 and opens_minute < closes_minute and closes_minute <= 1440
      when 2 then not weekdays_only
      else false end),
  add constraint three_duties_three_people
    check (manager <> keeper and manager <> auditor and keeper <> auditor),
  add constraint nobody_approves_alone check (approver <> applicant and approver <> keeper),
  add constraint who_audits_does_nothing_else check (auditor <> applicant and auditor <> approver);

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
  primary key (seal_id, id),
  unique (client, key),
  constraint nobody_confirms_alone check (confirmed_by <> actor),
  constraint made_names_the_certificate check (certificate is null or act = 'made')
);

comment on column seal_event.state is 'after the act';
comment on column seal_event.certificate is 'SHA-256 of the X.509 certificate that was made';

insert into seal_event (seal_id, act, state, actor, at, reason, client, key, digest)
select id, 'take_over', 'enabled', 'certsvc migrate', now(),
  '迁移时接管：此前登记的印章，申请、批准和各人职责没有记录。 Taken over by a migration: put on record before people were.',
  'migration', id, sha256(convert_to(id, 'UTF8'))
from seal;

alter table seal_use
  add column digest sha256_bytes,
  add column page smallint,
  add column x_mm double precision,
  add column y_mm double precision;

alter table seal_use
  add constraint every_use_names_what_it_seals
    check (digest is not null and page is not null and x_mm is not null and y_mm is not null) not valid;

comment on column seal_use.digest is 'SHA-256 of what the seal signs, on record before the key is used';
comment on constraint every_use_names_what_it_seals on seal_use is 'not valid: uses of before were not asked for it';

create index seal_use_by_seal on seal_use (seal_id, intended_at, id);

-- Refusals have the code SL001, say in one word why, and in the detail what was met.

create function refuse_seal(why text, met text) returns void language plpgsql as $$
begin
  raise exception '%', why using errcode = 'SL001', detail = coalesce(met, '');
end
$$;

create function do_seal_act() returns trigger language plpgsql as $$
declare
  known record;
  rule record;
begin
  select state, applicant, approver, manager, keeper, auditor into known
  from seal where id = new.seal_id for no key update;
  select * into rule from seal_act where act = new.act and before = known.state;
  if rule is null then
    perform refuse_seal('wrong_state', known.state);
  end if;
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
  if (rule.passes is null) <> (new.successor is null) then
    perform refuse_seal('successor', rule.passes);
  end if;
  if rule.passes = 'auditor' and (
    exists (select from seal_event e where e.seal_id = new.seal_id and new.successor in (e.actor, e.confirmed_by))
    or exists (select from seal_use u where u.seal_id = new.seal_id and u.actor = new.successor)) then
    perform refuse_seal('has_acted', new.successor);
  end if;
  update seal set
    state = rule.after,
    approver = known.approver,
    manager = case when rule.passes = 'manager' then new.successor else manager end,
    keeper = case when rule.passes = 'keeper' then new.successor else keeper end,
    auditor = case when rule.passes = 'auditor' then new.successor else auditor end
  where id = new.seal_id;
  new.state := rule.after;
  return new;
end
$$;

create function guard_seal() returns trigger language plpgsql as $$
declare
  by_events constant text[] := '{state,approver,manager,keeper,auditor}';
  rules constant text[] := '{certificate_types,page,x_mm,y_mm,daily_quota,opens_minute,closes_minute,weekdays_only}';
begin
  if tg_op = 'INSERT' then
    if new.state <> 'new' or new.approver is not null then
      raise exception 'the life of a seal begins with an application' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if to_jsonb(old) - by_events - rules is distinct from to_jsonb(new) - by_events - rules then
    raise exception 'the owner and the picture of a seal do not change' using errcode = 'restrict_violation';
  end if;
  if pg_trigger_depth() = 1 and to_jsonb(old) - rules is distinct from to_jsonb(new) - rules then
    raise exception 'the state and the people of a seal change by an event' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_seal_use() returns trigger language plpgsql as $$
declare
  known record;
  local constant timestamp := new.intended_at at time zone interval '8 hours';
  minute constant integer := extract(hour from local) * 60 + extract(minute from local);
  midnight constant timestamptz := date_trunc('day', local) at time zone interval '8 hours';
  type_asked text;
begin
  perform from seal where id = new.seal_id and daily_quota is not null for no key update;
  select state, auditor, certificate_types, page, x_mm, y_mm, daily_quota, opens_minute, closes_minute, weekdays_only
  into known from seal where id = new.seal_id for share;
  select type_id into type_asked from certificate where slot = new.slot and ref = new.ref;
  if known.state is distinct from 'enabled' then
    perform refuse_seal('not_enabled', known.state);
  end if;
  if new.actor = known.auditor then
    perform refuse_seal('auditor', known.auditor);
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

create trigger guard_seal before insert or update on seal for each row execute function guard_seal();
create trigger do_seal_act before insert on seal_event for each row execute function do_seal_act();
create trigger guard_seal_use before insert on seal_use for each row execute function guard_seal_use();

create trigger keep before update or delete on seal_event for each row execute function refuse_change();
create trigger keep_all before truncate on seal_event for each statement execute function refuse_change();
