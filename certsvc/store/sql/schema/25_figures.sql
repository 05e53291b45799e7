-- What is not given out, put on record at the counter; and the figures of villages: counted as things happen, added up later.

create table proof_refusal (
  organ text not null references organ,
  key short_text not null,
  digest sha256_bytes not null,
  standing text not null check (standing in ('forbidden', 'villagers', 'unknown')),
  item short_text,
  words text check (char_length(words) between 1 and 60),
  account text not null references account,
  person person_name not null,
  at timestamptz not null,
  primary key (organ, key),
  constraint an_item_or_words check ((item is null) = (standing = 'unknown') and (words is null or item is null))
);

comment on table proof_refusal is
  'proofs that were asked for at the counter and are not given out: a clerk said so, and where to go instead';
comment on column proof_refusal.words is 'what was asked for, where no catalogue has it; erased after ninety days';

create index proof_refusal_with_words on proof_refusal (at) where words is not null;

create table proof_fact (
  id bigint generated always as identity primary key,
  organ text not null,
  kind text not null,
  day date not null,
  places integer[] not null,
  due date,
  step integer not null default 0,
  scopes text[] not null,
  constraint a_step_has_its_day check (step = 0 or due is not null)
);

comment on table proof_fact is 'what happened, one row each, until it is added to proof_total and proof_open';
comment on column proof_fact.kind is 'the type of a proof or the item of a catalogue; -: no catalogue has it';
comment on column proof_fact.places is 'which counts of proof_total.counts go up by one (domain/village_figures.py)';

create index proof_fact_in_scopes on proof_fact using gin (scopes);

create table proof_total (
  kind text not null,
  scope text not null,
  day date not null,
  counts integer[] not null check (cardinality(counts) = 97),
  primary key (kind, scope, day)
);

comment on table proof_total is 'counts of all that happened up to a day: those of a period are the difference of two rows';
comment on column proof_fact.step is '1: a request is open from now on; -1: no more; due is its last day';
comment on column proof_total.scope is 'whose acts are counted together, as proof_scopes has it';
comment on column proof_total.kind is 'as in proof_fact; empty: all kinds together';

create table proof_open (
  scope text not null,
  kind text not null,
  due date not null,
  number integer not null,
  primary key (scope, kind, due)
);

comment on table proof_open is 'how many requests are open, by their last day; scope and kind as in proof_total';

create index proof_open_none on proof_open (due) where number = 0;
create index proof_request_late on proof_request (organ, due) where turn is not null;
create index proof_request_late_anywhere on proof_request (due, organ, id) where turn is not null;
create index organ_by_city on organ (left(area, 4)); -- its statistics say that late requests are met in order of due

create function proof_place(measure integer, took interval) returns integer
  language sql immutable strict parallel safe
  return 8 + 30 * measure + width_bucket(extract(epoch from took)::double precision,
    '{1,5,10,30,60,300,600,1800,3600,7200,10800,14400,21600,28800,43200,86400,129600,172800,259200,345600,432000,604800,'
    '864000,1296000,1728000,2592000,3888000,5184000,7776000}'::double precision[]);

comment on function proof_place is 'where a duration is counted: from submitted to approved (0), approved to sealed (1), opened to sealed (2)';

create function proof_places(e proof_request_event) returns integer[] language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select case e.act
    when 'open' then array[1]
    when 'refuse' then array[2]
    when 'return' then array[3]
    when 'approve' then array[proof_place(0, e.at - (
      select max(s.at) from proof_request_event s where s.request_id = e.request_id and s.act = 'submit' and s.version < e.version))]
    when 'seal' then array[4, proof_place(2, e.at - r.opened_at), proof_place(1, e.at - (
        select max(a.at) from proof_request_event a where a.request_id = e.request_id and a.act = 'approve' and a.version < e.version))]
      || case when day_of(e.at) > r.due then array[5] else '{}' end
    when 'withdraw' then array[6]
    when 'cancel' then array[7]
  end
  from proof_request r where r.id = e.request_id
$$;

comment on function proof_places is 'what an event counts as; null: nothing';

create function proof_step(act text) returns integer language sql immutable strict parallel safe
  return case when act = 'open' then 1 when act in ('seal', 'withdraw') then -1 else 0 end;

comment on function proof_step is 'by how much an act changes how many requests are open, as proof_act has it';

create function proof_scopes(of organ) returns text[] language sql immutable parallel safe
  return array[of.uscc, coalesce(of.town, of.uscc) || '+', left(of.area, 4)];

comment on function proof_scopes is
  'where the acts of an organ count: in itself, in its town with all its villages, in its city';

create function count_proof_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into proof_fact (organ, kind, day, places, due, step, scopes)
  select r.organ, r.type_id, day_of(new.at), p.places, r.due, proof_step(new.act), proof_scopes(o)
  from proof_request r join organ o on o.uscc = r.organ, proof_places(new) p(places)
  where r.id = new.request_id and p.places is not null;
  return null;
end
$$;

create function count_proof_refusal() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into proof_fact (organ, kind, day, places, scopes)
  select o.uscc, coalesce(new.item, '-'), day_of(new.at), array[1, 2], proof_scopes(o) from organ o where o.uscc = new.organ;
  return null;
end
$$;

create function guard_proof_refusal() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    if to_jsonb(new) - 'words' is distinct from to_jsonb(old) - 'words' or new.words is not null
        or old.at > clock_timestamp() - interval '90 days' then
      raise exception 'of a refusal only the words go, after ninety days' using errcode = 'restrict_violation';
    end if;
  elsif new.standing = 'unknown' and new.words is null then
    raise exception 'what no catalogue has is on record with its words' using errcode = 'restrict_violation';
  elsif not has_duty(new.organ, new.account, 'clerk', day_of(new.at))
      or not exists (select from account where id = new.account and name = new.person) then
    perform refuse_village('not_appointed', 'refuse');
  end if;
  return new;
end
$$;

create function fold_proof_facts(most integer) returns integer language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  taken bigint[];
  more record;
begin
  perform pg_advisory_xact_lock(5260427114);
  select array_agg(id) into taken from (select id from proof_fact order by id limit most) oldest;
  for more in
    select kind, scope, day, array_agg(place) as places, array_agg(n) as numbers
    from (
      select k.kind, scope, f.day, place, count(*)::integer as n
      from proof_fact f join organ o on o.uscc = f.organ, unnest(f.places) place, unnest(proof_scopes(o)) scope,
        lateral (values (''), (f.kind)) k(kind)
      where f.id = any (taken)
      group by k.kind, scope, f.day, place) counted
    group by kind, scope, day order by kind, scope, day
  loop
    insert into proof_total (kind, scope, day, counts)
    values (more.kind, more.scope, more.day, coalesce((
      select t.counts from proof_total t where t.kind = more.kind and t.scope = more.scope and t.day < more.day
      order by t.day desc limit 1), array_fill(0, array[97])))
    on conflict do nothing;
    update proof_total t set counts = (
      select array_agg(held + coalesce(more.numbers[array_position(more.places, place::integer)], 0) order by place)
      from unnest(t.counts) with ordinality as each(held, place))
    where t.kind = more.kind and t.scope = more.scope and t.day >= more.day;
  end loop;
  insert into proof_open (scope, kind, due, number)
  select scope, k.kind, f.due, sum(f.step)
  from proof_fact f join organ o on o.uscc = f.organ, unnest(proof_scopes(o)) scope, lateral (values (''), (f.kind)) k(kind)
  where f.id = any (taken) and f.step <> 0
  group by scope, k.kind, f.due
  on conflict (scope, kind, due) do update set number = proof_open.number + excluded.number;
  delete from proof_open where number = 0;
  delete from proof_fact where id = any (taken);
  return coalesce(cardinality(taken), 0);
end
$$;

comment on function fold_proof_facts is
  'adds the oldest facts to the totals, at most so many, and takes them away: in one transaction, so that each counts once';

create function add_up_proof_totals(into_scope text, members text[]) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  delete from proof_total where scope = into_scope;
  delete from proof_open where scope = into_scope;
  insert into proof_total (kind, scope, day, counts)
  select kind, into_scope, day, array_agg(so_far::integer order by place)
  from (
    select kind, day, place, sum(sum(more)) over (partition by kind, place order by day) as so_far
    from (
      select t.kind, t.day, place, held - lag(held, 1, 0) over (partition by t.kind, t.scope, place order by t.day) as more
      from proof_total t, unnest(t.counts) with ordinality as each(held, place)
      where t.scope = any (members)) steps
    group by kind, day, place) days
  group by kind, day;
  insert into proof_open (scope, kind, due, number)
  select into_scope, kind, due, sum(number) from proof_open where scope = any (members) group by kind, due;
end
$$;

comment on function add_up_proof_totals is 'makes the totals of a scope anew from those of its members';

create function regroup_proof_totals() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  its_town text;
begin
  perform pg_advisory_xact_lock(5260427114); -- as in fold_proof_facts
  update proof_fact set scopes = proof_scopes(new) where organ = new.uscc;
  foreach its_town in array array[coalesce(old.town, old.uscc), coalesce(new.town, new.uscc)] loop
    perform add_up_proof_totals(its_town || '+', array(select uscc from organ where coalesce(town, uscc) = its_town));
  end loop;
  return null;
end
$$;

comment on function regroup_proof_totals is 'a village that comes to another town takes its figures along';

create trigger count_proof_event after insert on proof_request_event
  for each row execute function count_proof_event();
create trigger guard_proof_refusal before insert or update on proof_refusal
  for each row execute function guard_proof_refusal();
create trigger count_proof_refusal after insert on proof_refusal for each row execute function count_proof_refusal();
create trigger keep before delete on proof_refusal for each row execute function refuse_change();
create trigger keep_all before truncate on proof_refusal for each statement execute function refuse_change();
create trigger regroup_proof_totals after update on organ
  for each row when (new.town is distinct from old.town) execute function regroup_proof_totals();
