-- A seal is opened by a confirmation on record: of the keeper's own account, for these very terms, used up with it; and it
-- stays open only while its keeper has a duty where the seal is used. What was opened by a confirmation of which nothing is
-- on record would not be carried over: the migration stops then, and nothing is changed.

alter table seal_authorisation
  drop constraint a_confirmation_opens_one_seal_once,
  drop column method,
  add constraint a_confirmation_opens_one_seal_once unique (confirmation),
  add foreign key (confirmation) references account_confirmation;

comment on column seal_authorisation.confirmation is 'by which the keeper confirmed these terms, used up with it';
comment on column seal_authorisation.digest is 'of the terms (digest_of_opening), as it was confirmed';

create function keeper_serves(of_seal text, keeper text, on_day date) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select not exists (
    select from organ where seal_id = of_seal and not exists (
      select from appointment held join account on account.id = held.account and account.disabled_at is null
      where held.organ = organ.uscc and account.name = keeper
        and daterange(held.first_day, held.last_day + 1) @> on_day))
$$;

comment on function keeper_serves is 'whether who keeps a seal has a duty that day in the organ whose seal it is';

create function digest_of_opening(a seal_authorisation) returns bytea language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select sha256(convert_to(concat_ws(E'\n', 'authorise_seal', a.seal_id, array_to_string(a.certificate_types, ' '), a.quota,
    coalesce(a.daily_quota::text, ''), to_char(a.first_day, 'YYYY-MM-DD'), to_char(a.last_day, 'YYYY-MM-DD')), 'UTF8'))
$$;

comment on function digest_of_opening is 'SHA-256 of what the keeper confirms (Terms.digest)';

create function require_confirmed_opening(a seal_authorisation) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if a.digest <> digest_of_opening(a) or not exists (
    select from account_confirmation k join account on account.id = k.account and account.disabled_at is null
    where k.id = a.confirmation and account.name = a.keeper and k.digest = a.digest and k.used_at = a.given_at) then
    perform refuse_seal('opening_not_confirmed', a.keeper);
  end if;
  if not keeper_serves(a.seal_id, a.keeper, day_of(a.given_at)) then
    perform refuse_seal('keeper_left', a.keeper);
  end if;
end
$$;

comment on function require_confirmed_opening is
  'its keeper confirmed these very terms, by their own account, and that is used up with it; the keeper has a duty there';

create or replace function why_not_authorised(a seal_authorisation, holder text, type_asked text, day date) returns text
language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select case
    when e.authorisation_id is not null then 'authorisation_' || e.why
    when a.keeper is distinct from holder then 'authorisation_handed_over'
    when not keeper_serves(a.seal_id, a.keeper, day) then 'authorisation_keeper_left'
    when type_asked is null or type_asked <> all (a.certificate_types) then 'authorisation_not_of_kind'
    when day < a.first_day then 'authorisation_not_begun'
    when day > a.last_day then 'authorisation_over'
    when a.quota <= (select count(*) from seal_use u where u.authorisation_id = a.id) then 'authorisation_used_up'
    when a.daily_quota <= (select count(*) from seal_use u where u.authorisation_id = a.id
      and day_of(u.intended_at) = day) then 'authorisation_used_up_today'
  end
  from (select) nothing left join seal_authorisation_end e on e.authorisation_id = a.id
$$;

create or replace function authorised_use(u seal_use, holder text, auditing text, type_asked text) returns seal_use language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  found_one record;
begin
  perform from seal where id = u.seal_id for no key update;
  perform require_time(u.intended_at, register_time(), register_time());
  select a.id, a.quota, a.daily_quota, a.first_day, a.last_day, w.why into found_one
  from seal_authorisation a, why_not_authorised(a, holder, type_asked, day_of(u.intended_at)) w(why)
  where a.seal_id = u.seal_id and (u.authorisation_id is null or a.id = u.authorisation_id)
  order by array_position('{authorisation_keeper_left,authorisation_used_up_today,authorisation_used_up,'
    'authorisation_not_begun,authorisation_over,authorisation_revoked,authorisation_handed_over,authorisation_not_of_kind}'::text[], w.why) nulls first,
    a.last_day, a.given_at, a.id
  limit 1;
  if found_one.id is null then
    perform refuse_seal('no_authorisation', null);
  elsif found_one.why is not null then
    perform refuse_seal(found_one.why, case found_one.why
      when 'authorisation_used_up' then found_one.quota::text
      when 'authorisation_used_up_today' then found_one.daily_quota::text
      when 'authorisation_not_begun' then found_one.first_day::text
      when 'authorisation_over' then found_one.last_day::text
      when 'authorisation_not_of_kind' then type_asked end);
  end if;
  u.authorisation_id := found_one.id;
  u.keeper := holder;
  u.approver := approver_of(u);
  if u.approver = auditing then
    perform refuse_seal('auditor', auditing);
  end if;
  u.book_number := 1 + coalesce(
    (select max(book_number) from seal_use where seal_id = u.seal_id and book_number is not null),
    (select count(*) from seal_use where seal_id = u.seal_id));
  return u;
end
$$;

create or replace function guard_seal_authorisation() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known seal;
begin
  perform require_fresh_reads();
  select * into known from seal where id = new.seal_id for no key update;
  if known.needs_authorisation is distinct from true then
    perform refuse_seal('needs_no_authorisation', new.seal_id);
  end if;
  if known.state not in ('enabled', 'suspended') then
    perform refuse_seal('not_in_hand', known.state);
  end if;
  if new.keeper <> known.keeper then
    perform refuse_seal('not_the_keeper', known.keeper);
  end if;
  if not new.certificate_types <@ known.certificate_types then
    perform refuse_seal('types_not_bound', array_to_string(known.certificate_types, ', '));
  end if;
  perform require_time(new.given_at, register_time(), register_time());
  perform require_confirmed_opening(new);
  return new;
end
$$;
