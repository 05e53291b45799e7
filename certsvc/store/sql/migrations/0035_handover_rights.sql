-- Who does what in an organ is put on record by an overseer of its town or city, or by the operator; and only so.

alter table handover add column account text references account;

comment on column handover.account is 'of the overseer who did it; null: the operator, who is not among the persons';

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

create trigger guard_handover before insert on handover for each row execute function guard_handover();
create constraint trigger require_handover after insert or update on appointment deferrable initially deferred
  for each row execute function require_handover();
