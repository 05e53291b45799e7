-- Requests for proofs: from a draft to a sealed proof, by two people at least, and never past the table of acts.

create view proof_act (act, before, after, sides) as values
  ('open', 'new', 'draft', '{clerk,resident}'::text[]),
  ('save', 'draft', 'draft', '{clerk,resident}'),
  ('save', 'returned', 'returned', '{clerk,resident}'),
  ('attach', 'draft', 'draft', '{clerk,resident}'),
  ('attach', 'returned', 'returned', '{clerk,resident}'),
  ('detach', 'draft', 'draft', '{clerk,resident}'),
  ('detach', 'returned', 'returned', '{clerk,resident}'),
  ('identify', 'draft', 'draft', '{clerk}'),
  ('identify', 'returned', 'returned', '{clerk}'),
  ('submit', 'draft', 'submitted', '{clerk}'),
  ('submit', 'returned', 'submitted', '{clerk}'),
  ('return', 'submitted', 'returned', '{approver}'),
  ('approve', 'submitted', 'approved', '{approver}'),
  ('withdraw', 'draft', 'withdrawn', '{clerk,resident}'),
  ('withdraw', 'submitted', 'withdrawn', '{clerk,resident}'),
  ('withdraw', 'returned', 'withdrawn', '{clerk,resident}'),
  ('seal', 'approved', 'sealed', '{service}'),
  ('reopen', 'approved', 'returned', '{clerk}'),
  ('ask_cancel', 'sealed', 'sealed', '{clerk}'),
  ('refuse_cancel', 'sealed', 'sealed', '{approver}'),
  ('confirm_cancel', 'sealed', 'sealed', '{approver}'),
  ('cancel', 'sealed', 'cancelled', '{service}');

comment on view proof_act is 'which act is allowed on a request from which state, and by whom (domain/proof_acts.py)';

create table proof_request (
  id text primary key check (id ~ '^v-[a-z2-7]{20}$'),
  organ text not null references organ,
  type_id short_text not null,
  origin text not null check (origin in ('counter', 'online')),
  opened_by short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  opened_at timestamptz not null,
  code_hash sha256_bytes not null unique,
  due date not null default 'infinity',
  corrects_slot slot_number,
  corrects_ref ref_bytes,
  version integer not null default 0 check (version >= 0),
  state text not null default 'new' check (state in ('new', 'draft', 'submitted', 'returned', 'approved', 'sealed',
    'withdrawn', 'cancelled')),
  changed_at timestamptz not null,
  handler text references account,
  identity_how text check (identity_how in ('in_person', 'openid', 'visit')),
  identity_by text references account,
  identity_at timestamptz,
  consent_what long_text,
  consent_how text check (consent_how in ('in_person', 'online', 'on_paper')),
  consent_at timestamptz,
  approval_id short_text references approval,
  cancel_approval_id short_text references approval,
  shown short_text,
  holder_hash sha256_bytes,
  sealed bytea check (octet_length(sealed) <= 1048576),
  key_id short_text,
  erased_at timestamptz,
  turn text generated always as (case
    when state in ('draft', 'returned') then 'clerk'
    when state = 'submitted' then 'approver'
    when state = 'approved' then 'sealing' end) stored,
  unique (opened_by, key),
  foreign key (corrects_slot, corrects_ref) references certificate (slot, ref),
  constraint corrects_is_whole check (num_nulls(corrects_slot, corrects_ref) in (0, 2)),
  constraint identity_is_whole check (num_nulls(identity_how, identity_by, identity_at) in (0, 3)),
  constraint consent_is_whole check (num_nulls(consent_what, consent_how, consent_at) in (0, 3)),
  constraint erased_is_gone check (num_nulls(sealed, key_id) = case when erased_at is null then 0 else 2 end),
  constraint what_is_decided_was_asked_and_who_asks_was_known
    check (state in ('new', 'draft', 'returned', 'withdrawn')
      or num_nulls(handler, approval_id, identity_how, consent_what) = 0)
);

comment on column proof_request.opened_by is 'an account, or resident; with key the request that opened it';
comment on column proof_request.code_hash is 'SHA-256 of the code by which the resident follows it';
comment on column proof_request.corrects_ref is 'the certificate that it corrects: the next version of that one';
comment on column proof_request.handler is 'the clerk who has it';
comment on column proof_request.approval_id is 'of the newest round: what came of it stands there';
comment on column proof_request.shown is 'the name of the holder, masked';
comment on column proof_request.holder_hash is 'a keyed hash of the holder''s code';
comment on column proof_request.turn is 'whose turn it is; null: nobody''s any more';

create index proof_request_open on proof_request (organ, turn, due, id) where turn is not null;
create index proof_request_by_organ on proof_request (organ, changed_at, id);
create index proof_request_by_holder on proof_request (organ, type_id, holder_hash, changed_at)
  where holder_hash is not null;
create index proof_request_kept on proof_request (changed_at) where erased_at is null;
create index proof_request_by_approval on proof_request (approval_id) where approval_id is not null;
create index proof_request_by_cancellation on proof_request (cancel_approval_id) where cancel_approval_id is not null;

create table proof_request_event (
  request_id text not null references proof_request,
  version integer not null,
  act text not null,
  state text not null,
  account text references account,
  person person_name not null,
  at timestamptz not null,
  reason long_text,
  identity_how text,
  consent_what long_text,
  consent_how text,
  approval_id short_text unique references approval,
  key short_text,
  digest sha256_bytes,
  primary key (request_id, version),
  unique (request_id, key),
  constraint request_is_whole check (num_nulls(key, digest) in (0, 2)),
  constraint reasons_are_given check (act not in ('return', 'reopen', 'ask_cancel', 'refuse_cancel') or reason is not null),
  constraint identity_is_checked_by_its_act check ((identity_how is null) = (act <> 'identify')),
  constraint consent_comes_with_content
    check (num_nulls(consent_what, consent_how) in (0, 2) and (consent_what is null or act in ('open', 'save'))),
  constraint asking_has_its_approval check ((approval_id is null) = (act not in ('submit', 'ask_cancel')))
);

comment on column proof_request_event.version is 'of the request after the act: whoever acts names the one before';
comment on column proof_request_event.account is 'null: the resident, with the code, or the service';

create function is_maker(of_request text, who text) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select exists (
    select from proof_request_event
    where request_id = of_request and account = who
      and act in ('open', 'save', 'attach', 'detach', 'identify', 'submit', 'reopen'))
$$;

comment on function is_maker is 'whether somebody filled it in, checked who asks, or put it before others: then they never approve it';

create function require_proof_actor(e proof_request_event, known proof_request, sides text[]) returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if e.account is null then
    if not sides && '{resident,service}' or (e.act in ('open', 'save', 'attach', 'detach')
      and known.origin <> 'online') then
      perform refuse_village('not_appointed', e.act);
    end if;
    return;
  end if;
  if not exists (select from account where id = e.account and name = e.person) then
    perform refuse_village('another_name', e.person);
  end if;
  if not exists (select from unnest(sides) side where has_duty(known.organ, e.account, side, day_of(e.at))) then
    perform refuse_village('not_appointed', e.act);
  end if;
  if 'approver' = any (sides) and is_maker(known.id, e.account) then
    perform refuse_village('four_eyes', e.person);
  end if;
end
$$;

create function require_proof_approval(e proof_request_event, known proof_request) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  asked approval;
  stands text;
begin
  if e.act = 'submit' and num_nulls(known.identity_how, known.consent_what) > 0 then
    perform refuse_village(case when known.identity_how is null then 'not_identified' else 'no_consent' end, known.id);
  end if;
  if e.act in ('submit', 'ask_cancel') then
    select * into asked from approval where id = e.approval_id;
    if asked.state <> 'waiting' or asked.client <> e.person or asked.type_id <> known.type_id then
      perform refuse_village('another_approval', e.approval_id);
    end if;
    select state into stands from approval where id = known.cancel_approval_id;
    if e.act = 'ask_cancel' and stands in ('waiting', 'approved') then
      perform refuse_village('asked_already', known.id);
    end if;
    return;
  end if;
  select * into asked from approval
  where id = case when e.act in ('confirm_cancel', 'refuse_cancel', 'cancel') then known.cancel_approval_id
    else known.approval_id end;
  if asked.state is distinct from (case
      when e.act in ('approve', 'confirm_cancel') then 'approved'
      when e.act in ('return', 'refuse_cancel') then 'returned'
      when e.act = 'withdraw' and known.state = 'submitted' then 'withdrawn'
      when e.act = 'reopen' then 'failed'
      when e.act in ('seal', 'cancel') then 'done'
      else asked.state end)
    or (e.act in ('approve', 'return', 'confirm_cancel', 'refuse_cancel') and not exists (
      select from approval_decision where approval_id = asked.id and person = e.person)) then
    perform refuse_village('another_approval', asked.id);
  end if;
end
$$;

comment on function require_proof_approval is 'a request and the approval that it waits for say the same';

create function do_proof_act() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
  rule proof_act;
begin
  select * into known from proof_request where id = new.request_id for no key update;
  if new.version <> known.version + 1 then
    perform refuse_village('stale', known.version::text);
  end if;
  select * into rule from proof_act where act = new.act and before = known.state;
  if rule.act is null then
    perform refuse_village('wrong_state', known.state);
  end if;
  perform require_proof_actor(new, known, rule.sides);
  perform require_proof_approval(new, known);
  new.state := rule.after;
  new.at := greatest(new.at, known.changed_at);
  return new;
end
$$;

create function proof_after(known proof_request, e proof_request_event) returns proof_request language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_populate_record(known, jsonb_build_object('state', e.state, 'version', e.version, 'changed_at', e.at)
    || case when e.account is not null
        and e.act in ('open', 'save', 'attach', 'detach', 'identify', 'submit', 'reopen')
      then jsonb_build_object('handler', e.account) else '{}' end
    || case when e.act = 'identify'
      then jsonb_build_object('identity_how', e.identity_how, 'identity_by', e.account, 'identity_at', e.at)
      else '{}' end
    || case when e.consent_what is not null
      then jsonb_build_object('consent_what', e.consent_what, 'consent_how', e.consent_how, 'consent_at', e.at)
      else '{}' end
    || case e.act when 'submit' then jsonb_build_object('approval_id', e.approval_id)
      when 'ask_cancel' then jsonb_build_object('cancel_approval_id', e.approval_id) else '{}' end)
$$;

comment on function proof_after is 'the request once an event is on record: nothing else changes it, but for its content';

create function follow_proof_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  follows proof_request;
begin
  select f.* into follows from proof_request r, proof_after(r, new) f where r.id = new.request_id;
  update proof_request set (state, version, changed_at, handler, identity_how, identity_by, identity_at, consent_what,
      consent_how, consent_at, approval_id, cancel_approval_id) =
    (follows.state, follows.version, follows.changed_at, follows.handler, follows.identity_how, follows.identity_by,
      follows.identity_at, follows.consent_what, follows.consent_how, follows.consent_at, follows.approval_id,
      follows.cancel_approval_id)
  where id = new.request_id;
  return null;
end
$$;

create function guard_proof_content(known proof_request, follows proof_request) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if known.erased_at is not null then
    raise exception 'what is erased does not come back' using errcode = 'restrict_violation';
  end if;
  if follows.erased_at is not null then
    if known.state in ('draft', 'submitted', 'returned') or known.state = 'approved' and not exists (
      select from approval where id = known.approval_id and state = 'failed') then
      raise exception 'what a request says is kept until it has ended' using errcode = 'restrict_violation';
    end if;
  elsif known.state not in ('draft', 'returned') and (follows.key_id = known.key_id
    or (follows.shown, follows.holder_hash) is distinct from (known.shown, known.holder_hash)) then
    perform refuse_village('wrong_state', known.state);
  end if;
end
$$;

comment on function guard_proof_content is 'with a clerk it changes; later it only moves to another key, until it is erased';

create function guard_proof_request() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  content constant text[] := '{sealed,key_id,shown,holder_hash,erased_at,turn}';
  newest proof_request_event;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'new' or new.version <> 0 or num_nonnulls(new.handler, new.identity_how, new.consent_what,
      new.approval_id, new.cancel_approval_id, new.erased_at) > 0 then
      raise exception 'a request begins with its draft' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  select * into newest from proof_request_event where request_id = old.id order by version desc limit 1;
  if to_jsonb(new) - content = to_jsonb(old) - content then
    perform guard_proof_content(old, new);
    if new.erased_at is null and new.holder_hash is distinct from old.holder_hash then
      new.identity_how := null;
      new.identity_by := null;
      new.identity_at := null;
      if newest.version is distinct from new.version or newest.consent_what is null then
        new.consent_what := null;
        new.consent_how := null;
        new.consent_at := null;
      end if;
    end if;
    return new;
  end if;
  if newest.version is distinct from old.version + 1
    or to_jsonb(new) - 'turn' is distinct from to_jsonb(proof_after(old, newest)) - 'turn' then
    raise exception 'a request changes as its newest event says, and by nothing else'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

comment on function guard_proof_request is 'another holder is another person: who they are is checked anew, and what somebody else agreed to is not theirs';

create function require_opened() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (select from proof_request_event where request_id = new.id) then
    raise exception 'a request begins with its draft' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create function guard_proof_decision() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  of_request constant text := (select request_id from proof_request_event where approval_id = new.approval_id);
  who constant text := (select id from account where name = new.person);
begin
  if of_request is null then
    return new;
  end if;
  if who is null or not exists (
    select from proof_request r where r.id = of_request and has_duty(r.organ, who, 'approver', day_of(new.at))) then
    perform refuse_village('not_appointed', 'approve');
  end if;
  if is_maker(of_request, who) then
    perform refuse_village('four_eyes', new.person);
  end if;
  return new;
end
$$;

create function follow_proof_approval() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into proof_request_event (request_id, version, act, state, person, at)
  select id, version + 1, 'seal', '', 'certsvc', clock_timestamp() from proof_request
  where approval_id = new.id and state = 'approved'
  union all
  select id, version + 1, 'cancel', '', 'certsvc', clock_timestamp() from proof_request
  where cancel_approval_id = new.id and state = 'sealed';
  return null;
end
$$;

comment on function follow_proof_approval is 'with what was approved done, so is the request: the approval has no time of it';

create function agree_with_approval() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (
    select from proof_request_event e join proof_request r on r.id = e.request_id and r.version = e.version
    where e.approval_id = new.id) then
    raise exception 'the request of a village is decided with its approval, in one' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create trigger guard_proof_request before insert or update on proof_request
  for each row execute function guard_proof_request();
create constraint trigger require_opened after insert on proof_request deferrable initially deferred
  for each row execute function require_opened();
create trigger do_proof_act before insert on proof_request_event for each row execute function do_proof_act();
create trigger follow_proof_event after insert on proof_request_event
  for each row execute function follow_proof_event();
create trigger guard_proof_decision before insert on approval_decision
  for each row execute function guard_proof_decision();
create trigger follow_proof_approval after update of state on approval
  for each row when (new.state = 'done' and old.state <> 'done') execute function follow_proof_approval();
create constraint trigger agree_with_approval after update on approval deferrable initially deferred
  for each row when (new.state <> old.state) execute function agree_with_approval();
create trigger keep before delete on proof_request for each row execute function refuse_change();
create trigger keep before update or delete on proof_request_event for each row execute function refuse_change();
create trigger keep_all before truncate on proof_request for each statement execute function refuse_change();
create trigger keep_all before truncate on proof_request_event for each statement execute function refuse_change();
