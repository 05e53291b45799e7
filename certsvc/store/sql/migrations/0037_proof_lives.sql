-- What became of the certificate that a request was sealed as: asked of the register, for the request stays sealed.

create index proof_request_correcting on proof_request (corrects_slot, corrects_ref)
  where corrects_ref is not null and turn is not null;

create view proof_made as
  select r.id as request_id, made.slot, made.ref, r.cancel_approval_id
  from proof_request r
  join approval asked on asked.id = r.approval_id
  join issue_order made on made.client = asked.client and made.key = asked.id;

comment on view proof_made is 'the certificate that was ordered by the newest round of a request';

create function proof_life(of_slot integer, of_ref bytea, on_day date) returns table (
  status text, since date, organ text, term_end date, newest_ref bytea, newest_act text, newest_request text,
  correction text, cancelling boolean)
language sql stable
set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(period.status, 'unknown'), event.effective, event.organ, c.valid_to, newest.ref, newest.act,
    (select made.request_id from proof_made made where made.slot = newest.slot and made.ref = newest.ref),
    (select r.id from certificate version
      join proof_request r on r.corrects_slot = version.slot and r.corrects_ref = version.ref
      where version.slot = c.slot and version.life_ref = c.life_ref and r.turn is not null and r.erased_at is null
      order by r.opened_at, r.id limit 1),
    exists (select from proof_made made join approval wish on wish.id = made.cancel_approval_id
      where made.slot = c.slot and made.ref = c.ref and wish.state in ('waiting', 'approved'))
  from certificate c
  cross join lateral (
    select version.slot, version.ref, version.act from certificate version
    where version.slot = c.slot and version.life_ref = c.life_ref and version.issued_at is not null
    order by version.version desc limit 1) newest
  left join status_period period on period.slot = c.slot and period.ref = c.ref
    and period.valid @> on_day and upper_inf(period.known)
  left join event on event.slot = period.slot and event.ref = period.life_ref and event.id = period.event_id
  where c.slot = of_slot and c.ref = of_ref and c.issued_at is not null
$$;

comment on function proof_life is
  'a certificate as the register has it now, for a day; with its newest version, the correction that is under way, and whether somebody asks to cancel it';

create function lock_life_of(of_slot integer, of_ref bytea) returns void language sql
set search_path = pg_catalog, public, pg_temp as $$
  select from certificate life
  where (life.slot, life.ref) = (select slot, life_ref from certificate where slot = of_slot and ref = of_ref)
  for no key update
$$;

comment on function lock_life_of is 'one at a time corrects or cancels a certificate, or makes its next version';

create function require_in_force(of_slot integer, of_ref bytea, on_day date, held_is_enough boolean) returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  life record;
begin
  select * into life from proof_life(of_slot, of_ref, on_day);
  if life.newest_ref <> of_ref then
    perform refuse_village('superseded', encode(life.newest_ref, 'hex'));
  end if;
  if life.status in ('revoked', 'rescinded', 'withdrawn', 'closed', 'superseded', 'transferred_out', 'unknown')
    or not held_is_enough and life.status in ('suspended', 'closing_due') then
    perform refuse_village('not_in_force', life.status);
  end if;
end
$$;

comment on function require_in_force is
  'a certificate is the newest version of its number and in force, its term aside; what is held may be cancelled still';

create function require_alone(of_slot integer, of_ref bytea, on_day date, besides text) returns void language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  life record;
begin
  select * into life from proof_life(of_slot, of_ref, on_day);
  if life.correction <> coalesce(besides, '') then
    perform refuse_village('being_corrected', life.correction);
  end if;
  if besides is null and life.cancelling then
    perform refuse_village('asked_already', life.correction);
  end if;
end
$$;

comment on function require_alone is 'a certificate is under one correction at a time, or asked to be cancelled: not both';

create function require_proof_life() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  of_slot slot_number;
  of_ref ref_bytes;
begin
  if new.act in ('ask_cancel', 'confirm_cancel') then
    select slot, ref into of_slot, of_ref from proof_made where request_id = new.request_id;
  else
    select corrects_slot, corrects_ref into of_slot, of_ref from proof_request where id = new.request_id;
  end if;
  if of_ref is not null then
    perform require_fresh_reads(), lock_life_of(of_slot, of_ref);
    perform require_in_force(of_slot, of_ref, day_of(new.at), new.act in ('ask_cancel', 'confirm_cancel'));
    perform require_alone(of_slot, of_ref, day_of(new.at), new.request_id);
  end if;
  return new;
end
$$;

comment on function require_proof_life is
  'an act on the life of a certificate is of its newest version in force: the old one''s request ends nothing of the new one';

create function require_one_correction() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (select from proof_request where opened_by = new.opened_by and key = new.key) then
    perform require_fresh_reads(), lock_life_of(new.corrects_slot, new.corrects_ref);
    perform require_in_force(new.corrects_slot, new.corrects_ref, day_of(new.opened_at), false);
    perform require_alone(new.corrects_slot, new.corrects_ref, day_of(new.opened_at), null);
  end if;
  return new;
end
$$;

create function require_in_force_to_hand_out() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  perform require_in_force(slot, ref, day_of(new.at), false) from proof_made where request_id = new.request_id;
  return new;
end
$$;

create trigger require_proof_life before insert on proof_request_event
  for each row when (new.act in ('submit', 'approve', 'ask_cancel', 'confirm_cancel')) execute function require_proof_life();
create trigger require_one_correction before insert on proof_request
  for each row when (new.corrects_ref is not null) execute function require_one_correction();
create trigger require_in_force before insert on handing_out
  for each row execute function require_in_force_to_hand_out();
