-- Figures of a town with its villages, and of a city, are totals of their own: what an overseer reads does not grow with
-- the number of villages. Whatever an organ does counts in itself, in its town and in its city.

create function proof_scopes(of organ) returns text[] language sql immutable parallel safe
  return array[of.uscc, coalesce(of.town, of.uscc) || '+', left(of.area, 4)];

comment on function proof_scopes is
  'where the acts of an organ count: in itself, in its town with all its villages, in its city';

alter table proof_fact add column scopes text[];
update proof_fact f set scopes = proof_scopes(o) from organ o where o.uscc = f.organ;
alter table proof_fact alter column scopes set not null, drop column area;
drop index proof_fact_by_organ;
create index proof_fact_in_scopes on proof_fact using gin (scopes);
create index proof_request_late_anywhere on proof_request (due, organ, id) where turn is not null;
create index organ_by_city on organ (left(area, 4)); -- its statistics say that late requests are met in order of due

comment on column proof_total.scope is 'whose acts are counted together, as proof_scopes has it';
comment on column proof_total.kind is 'as in proof_fact; empty: all kinds together';

create or replace function count_proof_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into proof_fact (organ, kind, day, places, due, step, scopes)
  select r.organ, r.type_id, day_of(new.at), p.places, r.due, proof_step(new.act), proof_scopes(o)
  from proof_request r join organ o on o.uscc = r.organ, proof_places(new) p(places)
  where r.id = new.request_id and p.places is not null;
  return null;
end
$$;

create or replace function count_proof_refusal() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into proof_fact (organ, kind, day, places, scopes)
  select o.uscc, coalesce(new.item, '-'), day_of(new.at), array[1, 2], proof_scopes(o) from organ o where o.uscc = new.organ;
  return null;
end
$$;

create or replace function fold_proof_facts(most integer) returns integer language plpgsql
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

create trigger regroup_proof_totals after update on organ
  for each row when (new.town is distinct from old.town) execute function regroup_proof_totals();

delete from proof_total where length(scope) = 6;
delete from proof_open where length(scope) = 6;
select add_up_proof_totals(town || '+', members)
from (select coalesce(town, uscc) as town, array_agg(uscc) as members from organ group by 1) towns;
select add_up_proof_totals(city, members)
from (
  select left(area, 4) as city, array_agg(distinct coalesce(town, uscc) || '+') as members from organ group by 1) cities;
