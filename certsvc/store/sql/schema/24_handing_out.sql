-- Handing out a sealed proof to who asked for it; every try to open it; and the receiving organs that are told of it.

create table handing_out (
  id bigint generated always as identity primary key,
  request_id text not null references proof_request,
  key short_text not null,
  digest sha256_bytes not null,
  account text not null references account,
  person person_name not null,
  given_to text not null check (given_to in ('applicant', 'agent')),
  agent short_text,
  seen text not null check (seen in ('in_person', 'visit')),
  at timestamptz not null,
  ends_at timestamptz not null,
  unique (request_id, key),
  unique (request_id, id),
  constraint an_agent_is_named check ((agent is not null) = (given_to = 'agent')),
  constraint lasts_seven_days check (ends_at > at and ends_at <= at + interval '7 days')
);

comment on table handing_out is 'a secret handed to the identified person; the newest of a request is the one that opens';
comment on column handing_out.digest is 'a keyed hash of the secret: nobody guesses eight figures without the key';
comment on column handing_out.agent is 'the name, masked, of who came in the applicant''s place';

create table code_try (
  id bigint generated always as identity primary key,
  request_id text not null references proof_request,
  handing_id bigint,
  opens bigint unique references code_try,
  place text not null check (place in ('content', 'page', 'terminal')),
  at timestamptz not null,
  foreign key (request_id, handing_id) references handing_out (request_id, id),
  constraint a_file_is_handed_out check ((handing_id is null) = (place = 'content'))
);

comment on table code_try is 'tries by who has the code of a request, on record before they are looked at';
comment on column code_try.handing_id is 'to fetch the file, with its secret; null: to see what the request says';
comment on column code_try.opens is 'the try that it opened something for; null: a try';

create index code_try_by_request on code_try (request_id, at);
create index code_try_by_handing on code_try (handing_id, at) where handing_id is not null;

create table proof_receiver (
  request_id text not null references proof_request,
  number integer not null check (number > 0),
  key short_text not null,
  receiver short_text,
  name short_text,
  client short_text,
  account text references account,
  at timestamptz not null,
  primary key (request_id, number),
  unique (request_id, key),
  constraint receiver_is_whole check ((receiver is null) = (name is null) and (client is null or receiver is not null))
);

comment on table proof_receiver is 'who the resident agrees is told of the proof: the newest counts; without a receiver, nobody';
comment on column proof_receiver.client is 'the client whose web-hooks tell it; null: the resident carries a notice';
comment on column proof_receiver.account is 'the clerk who put it on record; null: the resident, with the code';

create table proof_told (
  id bigint generated always as identity primary key,
  request_id text not null,
  version integer not null,
  receiver short_text not null,
  name short_text not null,
  client short_text,
  kind text not null check (kind in ('issued', 'corrected', 'cancelled')),
  slot slot_number not null,
  ref ref_bytes not null,
  code short_text not null,
  at timestamptz not null,
  replaces short_text,
  unique (request_id, version, receiver),
  foreign key (request_id, version) references proof_request_event,
  foreign key (slot, ref) references certificate
);

comment on table proof_told is 'which receiving organ was told what, in the transaction of what happened';
comment on column proof_told.replaces is 'the code of the proof that they had, where it was corrected';

create index proof_told_by_certificate on proof_told (slot, ref);

create function guard_handing_out() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
begin
  select * into known from proof_request where id = new.request_id for no key update;
  if known.state <> 'sealed' then
    perform refuse_village('wrong_state', known.state);
  end if;
  if not exists (select from account where id = new.account and name = new.person) then
    perform refuse_village('another_name', new.person);
  end if;
  if not has_duty(known.organ, new.account, 'clerk', day_of(new.at)) then
    perform refuse_village('not_appointed', 'hand_out');
  end if;
  return new;
end
$$;

comment on function guard_handing_out is 'what is sealed is handed out, by a clerk of its organ in their own name';

-- One try at a time is counted, whoever asks and however many at once; times never go back.
create function guard_code_try() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  of_same constant text := case when new.place = 'content' then 'content' end;
  stands text;
  handed handing_out;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'tries are counted in transactions that are read committed: others would not see the last one'
      using errcode = 'restrict_violation';
  end if;
  select state into stands from proof_request where id = new.request_id for no key update;
  new.at := greatest(new.at, (select max(at) from code_try where request_id = new.request_id));
  if new.opens is not null then
    if not exists (
      select from code_try tried where tried.id = new.opens and tried.opens is null
        and (tried.request_id, tried.place) = (new.request_id, new.place)
        and tried.handing_id is not distinct from new.handing_id) then
      raise exception 'what is opened is opened by a try for it' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if 5 <= (
    select count(*) from code_try tried
    where tried.request_id = new.request_id and tried.opens is null
      and case when of_same is null then tried.handing_id = new.handing_id
        else tried.place = 'content' and tried.at > new.at - interval '1 day' end
      and not exists (select from code_try opened where opened.opens = tried.id))
    or of_same is not null and 200 <= (
    select count(*) from code_try tried
    where tried.request_id = new.request_id and tried.place = 'content' and tried.opens is null
      and tried.at > new.at - interval '1 day') then
    raise exception 'five tries' using errcode = 'check_violation', constraint = 'five_tries';
  end if;
  if new.handing_id is not null then
    select * into handed from handing_out where id = new.handing_id;
    if stands <> 'sealed' or new.at >= handed.ends_at
      or exists (select from handing_out later where later.request_id = new.request_id and later.id > handed.id)
      or new.at > (select min(at) from code_try where handing_id = handed.id and opens is not null) + interval '15 minutes' then
      raise exception 'a secret that has ended' using errcode = 'check_violation', constraint = 'secret_has_ended';
    end if;
  end if;
  return new;
end
$$;

comment on function guard_code_try is
  'five failures for a secret, or in a day for the content, which is opened 200 times in a day at most; a secret ends after seven days, with the next one, and a quarter of an hour after it first opened the file';

create function guard_proof_receiver() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
begin
  select * into known from proof_request where id = new.request_id for no key update;
  if known.state not in ('draft', 'submitted', 'returned', 'approved') then
    perform refuse_village('wrong_state', known.state);
  end if;
  if new.account is null and known.origin <> 'online' then
    perform refuse_village('not_appointed', 'receiver');
  end if;
  if new.account is not null and not has_duty(known.organ, new.account, 'clerk', day_of(new.at)) then
    perform refuse_village('not_appointed', 'receiver');
  end if;
  return new;
end
$$;

create function tell_receivers() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
  is_new constant boolean := new.act = 'seal';
begin
  select * into known from proof_request where id = new.request_id;
  insert into proof_told (request_id, version, receiver, name, client, kind, slot, ref, code, at, replaces)
  select new.request_id, new.version, one.receiver, one.name, one.client,
    case when not is_new then 'cancelled' when one.had_the_last then 'corrected' else 'issued' end,
    made.slot, made.ref, asked.result ->> 'code', new.at, case when is_new then one.code end
  from approval asked
  join issue_order made on made.client = asked.client and made.key = asked.id
  cross join lateral (
    select distinct on (receiver) * from (
      select receiver, name, client, code, true as had_the_last from proof_told
      where slot = case when is_new then known.corrects_slot else made.slot end
        and ref = case when is_new then known.corrects_ref else made.ref end
      union all
      select newest.* from (
        select receiver, name, client, null, false from proof_receiver
        where request_id = known.id order by number desc limit 1) newest
      where is_new and newest.receiver is not null) whom
    order by receiver, had_the_last desc) one
  where asked.id = known.approval_id;
  insert into notice (at, kind, client, data)
  select t.at, 'proof.' || t.kind, t.client, jsonb_strip_nulls(jsonb_build_object('code', t.code, 'replaces', t.replaces,
    'type', known.type_id, 'organ', known.organ, 'reason_code', (
      select e.reason_code from event e join certificate c on c.slot = e.slot and c.life_ref = e.ref
      where c.slot = t.slot and c.ref = t.ref
        and case t.kind when 'cancelled' then e.act = 'rescind' when 'corrected' then e.version_ref = t.ref end
      order by e.id desc limit 1)))
  from proof_told t where t.request_id = new.request_id and t.version = new.version and t.client is not null;
  return null;
end
$$;

comment on function tell_receivers is 'whom the resident named is told; who was told of a proof is told of its correction and its end';

create trigger guard_handing_out before insert on handing_out for each row execute function guard_handing_out();
create trigger guard_code_try before insert on code_try for each row execute function guard_code_try();
create trigger guard_proof_receiver before insert on proof_receiver
  for each row execute function guard_proof_receiver();
create trigger tell_receivers after insert on proof_request_event
  for each row when (new.act in ('seal', 'cancel')) execute function tell_receivers();
create trigger keep before update or delete on handing_out for each row execute function refuse_change();
create trigger keep before update or delete on code_try for each row execute function refuse_change();
create trigger keep before update or delete on proof_receiver for each row execute function refuse_change();
create trigger keep before update or delete on proof_told for each row execute function refuse_change();
create trigger keep_all before truncate on handing_out for each statement execute function refuse_change();
create trigger keep_all before truncate on code_try for each statement execute function refuse_change();
create trigger keep_all before truncate on proof_receiver for each statement execute function refuse_change();
create trigger keep_all before truncate on proof_told for each statement execute function refuse_change();
