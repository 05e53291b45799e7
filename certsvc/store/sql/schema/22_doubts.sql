-- Proofs about which the law is in doubt: what must be on record before one is put before those who approve.

create table proof_doubt (
  request_id text primary key references proof_request,
  needs text[] not null check (cardinality(needs) between 1 and 10
    and needs <@ '{legal_review,receiver_accepts,paper}'::text[])
);

comment on table proof_doubt is 'what a request for a proof with a legal doubt needed by the catalogue when it was opened';

create table proof_doubt_check (
  request_id text not null references proof_request,
  key short_text not null,
  digest sha256_bytes not null,
  version integer not null,
  need text not null check (need in ('legal_review', 'receiver_accepts', 'paper')),
  said long_text not null,
  holder_hash sha256_bytes,
  account text not null references account,
  person person_name not null,
  at timestamptz not null,
  primary key (request_id, key)
);

comment on table proof_doubt_check is 'what was found, and who put it on record; it holds for the holder of that moment';
comment on column proof_doubt_check.version is 'of the request that was seen';

create function open_needs(of_request text) returns text[] language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select array_agg(need order by place)
  from proof_request r
  join proof_doubt d on d.request_id = r.id
  cross join unnest(d.needs) with ordinality as asked (need, place)
  where r.id = of_request and not exists (
    select from proof_doubt_check c
    where c.request_id = r.id and c.need = asked.need and c.holder_hash is not distinct from r.holder_hash)
$$;

comment on function open_needs is 'what a legal doubt still asks for; null: nothing';

create or replace function is_maker(of_request text, who text) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select exists (
    select from proof_request_event
    where request_id = of_request and account = who
      and act in ('open', 'save', 'attach', 'detach', 'identify', 'submit', 'reopen'))
  or exists (select from proof_doubt_check where request_id = of_request and account = who)
$$;

comment on function is_maker is 'whether somebody filled it in, checked who asks or a doubt, or put it before others: then they never approve it';

create function guard_proof_doubt() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (select from proof_request where id = new.request_id and state = 'new') then
    raise exception 'what a request needs is said when it is opened' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_proof_doubt_check() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
begin
  select * into known from proof_request where id = new.request_id for no key update;
  if new.version <> known.version then
    perform refuse_village('stale', known.version::text);
  end if;
  if known.state not in ('draft', 'returned') then
    perform refuse_village('wrong_state', known.state);
  end if;
  if not exists (select from account where id = new.account and name = new.person) then
    perform refuse_village('another_name', new.person);
  end if;
  if not has_duty(known.organ, new.account, 'clerk', day_of(new.at)) then
    perform refuse_village('not_appointed', 'check_doubt');
  end if;
  new.holder_hash := known.holder_hash;
  new.at := greatest(new.at, known.changed_at);
  return new;
end
$$;

create function require_doubts() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  missing constant text[] := open_needs(new.request_id);
begin
  if missing is not null then
    perform refuse_village('doubt_open', array_to_string(missing, ','));
  end if;
  return new;
end
$$;

create trigger guard_proof_doubt before insert on proof_doubt for each row execute function guard_proof_doubt();
create trigger guard_proof_doubt_check before insert on proof_doubt_check
  for each row execute function guard_proof_doubt_check();
create trigger require_doubts before insert on proof_request_event
  for each row when (new.act = 'submit') execute function require_doubts();
create trigger keep before update or delete on proof_doubt for each row execute function refuse_change();
create trigger keep before update or delete on proof_doubt_check for each row execute function refuse_change();
create trigger keep_all before truncate on proof_doubt for each statement execute function refuse_change();
create trigger keep_all before truncate on proof_doubt_check for each statement execute function refuse_change();
