-- The rules of seals hold against whoever writes past our own code: nothing of a seal changes but as its newest event
-- says, no name that a session makes up stands before ours, and rules of use change by an act of two persons.

-- Names have one spelling, so that one person is not two. Not valid: names on record stay as they are.

create function is_in_one_spelling(name text) returns boolean
  language sql immutable strict parallel safe
  return name is nfkc normalized
    and name !~ '^ | $|  '
    and name !~ ('[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f'
      '\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff'
      '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]');

comment on function is_in_one_spelling is 'NFKC, single spaces inside and none around, nothing that cannot be seen';

alter domain person_name add constraint name_has_one_spelling check (is_in_one_spelling(value)) not valid;

alter table seal_use add constraint name_has_one_spelling check (is_in_one_spelling(actor)) not valid;

-- Acts: the approver can be replaced, and rules change by an act.

create or replace view seal_act (act, before, after, duties, passes, confirmed) as values
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

alter table seal
  add constraint who_approves_does_not_manage check (approver <> manager) not valid;

alter table seal_event
  add column predecessor short_text,
  add column rules jsonb check (octet_length(rules::text) <= 65536),
  add constraint rules_change_by_their_act check ((rules is null) = (act <> 'change_rules'));

comment on column seal_event.predecessor is 'who had the duty that went to the successor; null in events of before 0005';
comment on column seal_event.rules is 'all rules of use from this event on';

-- What a caller has in its own schema is looked at last.

alter function refuse_change() set search_path = pg_catalog, public, pg_temp;
alter function guard_certificate() set search_path = pg_catalog, public, pg_temp;
alter function guard_issue() set search_path = pg_catalog, public, pg_temp;
alter function guard_period() set search_path = pg_catalog, public, pg_temp;
alter function guard_data_key() set search_path = pg_catalog, public, pg_temp;
alter function guard_holder() set search_path = pg_catalog, public, pg_temp;
alter function refuse_seal(text, text) set search_path = pg_catalog, public, pg_temp;

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

create or replace function do_seal_act() returns trigger language plpgsql
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
  return new;
end
$$;

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

create trigger follow_seal_event after insert on seal_event
  for each row execute function follow_seal_event();
