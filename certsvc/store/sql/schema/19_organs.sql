-- Organs that give proofs, who has which duty in them on which days, and that who approves never keeps the seal.

create table organ (
  uscc text primary key check (char_length(uscc) = 18),
  kind text not null check (kind in ('village', 'town', 'city')),
  name short_text not null,
  town text references organ,
  area text not null check (area ~ '^[0-9]{6}$'),
  number_word text unique check (number_word ~ '^[\u4e00-\u9fff]{2,8}$'),
  seal_id short_text unique references seal,
  constraint only_villages_belong_to_towns check (kind = 'village' or town is null)
);

comment on column organ.town is 'the organ of the town that a village belongs to';
comment on column organ.number_word is 'the word that stands for it in printed numbers (机关代字)';

create table appointment (
  id text primary key check (id ~ '^d-[a-z2-7]{20}$'),
  organ text not null references organ,
  account text not null references account,
  duty text not null check (duty in ('clerk', 'approver', 'auditor', 'overseer')),
  first_day date not null,
  last_day date,
  appointed_by person_name not null,
  appointed_at timestamptz not null,
  ended_by person_name,
  ended_at timestamptz,
  constraint an_end_is_whole check (num_nulls(last_day, ended_by, ended_at) in (0, 3)),
  constraint last_day_follows check (last_day >= first_day - 1),
  constraint one_duty_once
    exclude using gist (organ with =, account with =, duty with =, daterange(first_day, last_day + 1) with &&)
);

comment on column appointment.last_day is 'included; the day before the first: it never began';

create index appointment_by_account on appointment (account);
create index appointment_by_organ on appointment (organ, first_day);

create table handover (
  organ text not null references organ,
  key short_text not null,
  digest sha256_bytes not null,
  day date not null,
  ended text[] not null check (cardinality(ended) <= 100),
  begun text[] not null check (cardinality(begun) <= 100),
  by person_name not null,
  at timestamptz not null,
  reason long_text not null,
  account text references account,
  primary key (organ, key)
);

comment on table handover is 'changes of who has which duty, each whole and once: the appointments that ended and began with it';

comment on column handover.account is 'of the overseer who did it; null: the operator, who is not among the persons';

-- Refusals have the code VP001, say in one word why, and in the detail what was met.

create function refuse_village(why text, met text) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  raise exception '%', why using errcode = 'VP001', detail = coalesce(met, '');
end
$$;

create function day_of(at timestamptz) returns date
  language sql immutable strict parallel safe
  return (at at time zone interval '8 hours')::date;

create function has_duty(in_organ text, who text, as_duty text, on_day date) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select exists (
    select from appointment held join account on account.id = held.account and account.disabled_at is null
    where held.organ = in_organ and held.account = who and held.duty = as_duty
      and daterange(held.first_day, held.last_day + 1) @> on_day)
$$;

create function guard_organ() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and (new.uscc, new.kind, new.area) is distinct from (old.uscc, old.kind, old.area) then
    raise exception 'an organ stays what it is' using errcode = 'restrict_violation';
  end if;
  if exists (
    select from appointment held
    join account on account.id = held.account
    join seal on seal.id = new.seal_id and seal.keeper = account.name
    where held.organ = new.uscc and held.duty in ('approver', 'auditor')
      and (held.last_day is null or held.last_day >= day_of(clock_timestamp()))) then
    perform refuse_village('keeps_the_seal', new.seal_id);
  end if;
  return new;
end
$$;

create function guard_appointment() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  its_organ organ;
  person constant text := (select name from account where id = new.account);
begin
  select * into its_organ from organ where uscc = new.organ for no key update;
  if tg_op = 'UPDATE' then
    if old.last_day is not null or to_jsonb(old) - '{last_day,ended_by,ended_at}'::text[]
        is distinct from to_jsonb(new) - '{last_day,ended_by,ended_at}'::text[] then
      raise exception 'an appointment only ends, once' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if new.last_day is not null then
    raise exception 'an appointment begins without an end' using errcode = 'restrict_violation';
  end if;
  if new.duty = 'overseer' and its_organ.kind = 'village' then
    perform refuse_village('no_overseer', new.organ);
  end if;
  if exists (
    select from appointment other
    where other.organ = new.organ and other.account = new.account and other.duty <> new.duty
      and 'auditor' in (other.duty, new.duty)
      and (other.last_day is null or other.last_day >= new.first_day)) then
    perform refuse_village('audits', person);
  end if;
  perform from seal where id = its_organ.seal_id for share;
  if new.duty in ('approver', 'auditor') and exists (
    select from seal where id = its_organ.seal_id and keeper = person) then
    perform refuse_village('keeps_the_seal', person);
  end if;
  return new;
end
$$;

create function guard_keeper() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.act = 'hand_over' and exists (
    select from appointment held
    join organ on organ.uscc = held.organ and organ.seal_id = new.seal_id
    join account on account.id = held.account and account.name = new.successor
    where held.duty in ('approver', 'auditor') and (held.last_day is null or held.last_day >= day_of(new.at))) then
    perform refuse_seal('approves_in_organ', new.successor);
  end if;
  return new;
end
$$;

comment on function guard_keeper is 'who approves in an organ, or audits it, keeps no seal of it (国办发〔2001〕52号)';

create function oversees(overseer text, of_organ text) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select exists (
    select from organ above, organ below
    where above.uscc = overseer and below.uscc = of_organ and (
      above.kind = 'town' and below.town = above.uscc
      or above.kind = 'city' and below.kind <> 'city' and left(below.area, 4) = left(above.area, 4)))
$$;

comment on function oversees is
  'whether the overseers of one organ put on record who does what in another: a town''s villages, a city''s towns and villages';

create function guard_handover() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.account is null then
    if exists (select from account where name = new."by") then
      perform refuse_village('not_their_overseer', new."by");
    end if;
  elsif new."by" is distinct from (select name::text from account where id = new.account) or not exists (
    select from appointment held join account on account.id = held.account and account.disabled_at is null
    where held.account = new.account and held.duty = 'overseer' and oversees(held.organ, new.organ)
      and daterange(held.first_day, held.last_day + 1) @> day_of(new.at)) then
    perform refuse_village('not_their_overseer', new."by");
  end if;
  return new;
end
$$;

comment on function guard_handover is 'an overseer of the organ''s town or city, or the operator, who is not among the persons';

create function require_handover() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from handover h
    where h.organ = new.organ and case tg_op
      when 'INSERT' then new.id = any (h.begun) and (h.by, h.at, h.day) = (new.appointed_by, new.appointed_at, new.first_day)
      else new.id = any (h.ended) and (h.by, h.at, h.day) = (new.ended_by, new.ended_at, new.last_day + 1)
    end) then
    perform refuse_village('not_by_handover', new.id);
  end if;
  if tg_op = 'INSERT' and exists (
    select from handover h where h.organ = new.organ and new.id = any (h.begun) and h.account = new.account) then
    perform refuse_village('appoints_oneself', new.appointed_by);
  end if;
  return null;
end
$$;

comment on function require_handover is 'no appointment begins or ends but with a handover that says so, and nobody''s own by their own';

create trigger guard_organ before insert or update on organ for each row execute function guard_organ();
create trigger keep before delete on organ for each row execute function refuse_change();
create trigger keep_all before truncate on organ for each statement execute function refuse_change();
create trigger guard_appointment before insert or update on appointment
  for each row execute function guard_appointment();
create trigger keep before delete on appointment for each row execute function refuse_change();
create trigger keep_all before truncate on appointment for each statement execute function refuse_change();
create trigger keep before update or delete on handover for each row execute function refuse_change();
create trigger keep_all before truncate on handover for each statement execute function refuse_change();
create trigger guard_keeper before insert on seal_event for each row execute function guard_keeper();
create trigger guard_handover before insert on handover for each row execute function guard_handover();
create constraint trigger require_handover after insert or update on appointment deferrable initially deferred
  for each row execute function require_handover();
