-- Seals that their keeper opens beforehand (授权用印), whose uses are booked under three persons, and what waits for a seal.

create function register_time() returns timestamptz language sql volatile
set search_path = pg_catalog, public, pg_temp as $$ select clock_timestamp() $$;

comment on function register_time is 'the clock by which authorisations hold';

create table seal_authorisation (
  id short_text primary key,
  seal_id short_text not null references seal,
  keeper person_name not null,
  certificate_types text[] not null check (cardinality(certificate_types) between 1 and 100
    and octet_length(array_to_string(certificate_types, ' ', '')) <= 8192 and array_position(certificate_types, null) is null),
  quota integer not null check (quota between 1 and 10000),
  daily_quota integer check (daily_quota between 1 and 10000),
  first_day date not null,
  last_day date not null,
  confirmation short_text not null references account_confirmation,
  given_at timestamptz not null,
  client short_text not null,
  key short_text not null,
  digest sha256_bytes not null,
  unique (client, key),
  constraint a_confirmation_opens_one_seal_once unique (confirmation),
  constraint at_most_thirty_days check (last_day between first_day and first_day + 29),
  constraint begins_within_thirty_days check (first_day between day_of(given_at) and day_of(given_at) + 30)
);

comment on table seal_authorisation is
  'the keeper opens a seal beforehand: for these types, so many uses, from the first to the last day (+08:00), both included';
comment on column seal_authorisation.confirmation is 'by which the keeper confirmed these terms, used up with it';
comment on column seal_authorisation.digest is 'of the terms (digest_of_opening), as it was confirmed';
comment on column seal_authorisation.daily_quota is 'uses on one day (+08:00); null: only the quota in all';

create index seal_authorisation_by_seal on seal_authorisation (seal_id, last_day);

create table seal_authorisation_end (
  authorisation_id short_text primary key references seal_authorisation,
  why text not null check (why in ('revoked', 'handed_over')),
  ended_by person_name not null,
  ended_at timestamptz not null,
  reason long_text
);

comment on table seal_authorisation_end is 'revoked by the keeper, or over with the duty: either way for ever';

alter table seal_use add column authorisation_id short_text references seal_authorisation;
alter table seal_use add column keeper person_name;
alter table seal_use add column approver person_name;
alter table seal_use add column book_number integer;
alter table seal_use
  add constraint three_persons_under_an_authorisation
    check (num_nulls(authorisation_id, keeper, approver, book_number) in (0, 4)),
  add constraint who_approves_keeps_no_seal check (approver <> keeper),
  add constraint who_approves_does_not_handle check (approver <> actor),
  add constraint book_numbers_begin_with_one check (book_number > 0);

comment on column seal_use.authorisation_id is 'by which the keeper had opened the seal; null where a seal needs none';
comment on column seal_use.actor is 'who handles the matter (经办人)';
comment on column seal_use.keeper is 'of the seal, at that moment';
comment on column seal_use.approver is 'who approved what is sealed';
comment on column seal_use.book_number is 'in the book of the seal, without gaps, in the order of booking';
comment on constraint who_approves_keeps_no_seal on seal_use is '国办发〔2001〕52号; the keeper may be the handler';

create unique index seal_use_by_book on seal_use (seal_id, book_number) where book_number is not null;
create index seal_use_by_authorisation on seal_use (authorisation_id, intended_at) where authorisation_id is not null;
create index seal_use_not_numbered on seal_use (seal_id, id) where book_number is null;

create table seal_wait (
  slot slot_number not null,
  ref ref_bytes not null,
  seal_id short_text references seal,
  reason short_text not null,
  since timestamptz not null,
  asked_at timestamptz not null,
  primary key (slot, ref),
  foreign key (slot, ref) references certificate
);

comment on table seal_wait is 'what is reserved and could not be sealed: why, since when, and when that was last seen; it goes when it is issued';
comment on column seal_wait.seal_id is 'the seal that was refused; null where something else is missing';

create index seal_wait_by_seal on seal_wait (seal_id, since) where seal_id is not null;

create view seal_book_line as
  select u.seal_id, u.id, u.book_number, u.intended_at, u.ref, u.layout, u.actor, u.keeper, u.approver, u.authorisation_id,
    c.type_id, c.type_version, c.number as certificate, c.holder_name,
    exists (select from document d where d.slot = u.slot and d.ref = u.ref and d.layout = u.layout) as published,
    exists (
      select from seal_use later
      where later.slot = u.slot and later.ref = u.ref and later.seal_id = u.seal_id and later.id > u.id
        and (later.layout, later.page, later.x_mm, later.y_mm) is not distinct from (u.layout, u.page, u.x_mm, u.y_mm)
      ) as again
  from seal_use u
  join certificate c on c.slot = u.slot and c.ref = u.ref;

comment on view seal_book_line is
  'uses of seals under certificates, with what came of them: nothing was published, or only from a later use for the same place';

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

create function why_not_authorised(a seal_authorisation, holder text, type_asked text, day date) returns text
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

comment on function why_not_authorised is
  'why an authorisation does not hold for a use, in one word; null: it holds (domain/seal_authorisation.py)';

create function approver_of(u seal_use) returns text language plpgsql stable
set search_path = pg_catalog, public, pg_temp as $$
declare
  approvers text[];
  handed text;
begin
  select array_agg(d.person::text order by d.at, d.person) into approvers
  from issue_order o
  join approval p on p.id = o.key and p.client = o.client and p.state in ('approved', 'done')
  join approval_decision d on d.approval_id = p.id and d.approves
  where o.slot = u.slot and o.ref = u.ref;
  if approvers is null then
    perform refuse_seal('not_approved', null);
  end if;
  select person into handed from unnest(approvers) person where person in (u.actor, u.keeper) limit 1;
  if handed is not null then
    perform refuse_seal(case handed when u.actor then 'approved_by_handler' else 'approved_by_keeper' end, handed);
  end if;
  return approvers[cardinality(approvers)];
end
$$;

comment on function approver_of is 'who approved what a use seals, the last of several; none of them keeps the seal or handles the matter';

create function authorised_use(u seal_use, holder text, auditing text, type_asked text) returns seal_use language plpgsql
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

comment on function authorised_use is
  'a use with its authorisation, its persons and its number; one at a time for a seal, so that no quota is exceeded and no number missing';

create function guard_seal_authorisation() returns trigger language plpgsql
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

create function guard_seal_authorisation_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  given seal_authorisation;
  known seal;
begin
  perform require_fresh_reads();
  select * into given from seal_authorisation where id = new.authorisation_id;
  select * into known from seal where id = given.seal_id for no key update;
  if new.why = 'revoked' then
    if new.ended_by <> known.keeper or given.keeper <> known.keeper then
      perform refuse_seal('not_the_keeper', known.keeper);
    end if;
    perform require_time(new.ended_at, register_time(), register_time());
  elsif not exists (select from seal_event e where e.seal_id = given.seal_id and e.act = 'hand_over'
    and e.predecessor = given.keeper and e.actor = new.ended_by and e.at = new.ended_at) then
    raise exception 'an authorisation ends with the duty only when the seal is handed over'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function end_authorisations() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into seal_authorisation_end (authorisation_id, why, ended_by, ended_at)
  select id, 'handed_over', new.actor, new.at from seal_authorisation
  where seal_id = new.seal_id and not exists (select from seal_authorisation_end e where e.authorisation_id = id);
  return null;
end
$$;

create trigger guard_seal_authorisation before insert on seal_authorisation
  for each row execute function guard_seal_authorisation();
create trigger guard_seal_authorisation_end before insert on seal_authorisation_end
  for each row execute function guard_seal_authorisation_end();
create trigger end_authorisations after insert on seal_event
  for each row when (new.act = 'hand_over') execute function end_authorisations();
create trigger keep before update or delete on seal_authorisation for each row execute function refuse_change();
create trigger keep before update or delete on seal_authorisation_end for each row execute function refuse_change();
create trigger keep_all before truncate on seal_authorisation for each statement execute function refuse_change();
create trigger keep_all before truncate on seal_authorisation_end for each statement execute function refuse_change();
