-- The six characters of proofs, as a hash that is encrypted, and every try and every view of what they open.

create table full_view (
  slot slot_number not null,
  ref ref_bytes not null,
  sealed_digest bytea not null check (octet_length(sealed_digest) between 32 and 128),
  key_id short_text not null,
  primary key (slot, ref),
  foreign key (slot, ref) references certificate
);

comment on table full_view is 'a hash of the six characters that a proof prints, encrypted as its content is';

create table full_view_event (
  id bigint generated always as identity primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  kind text not null check (kind in ('tried', 'viewed', 'refused')),
  tried bigint unique references full_view_event,
  at timestamptz not null,
  office text not null check (char_length(office) between 1 and 100),
  purpose text not null check (char_length(purpose) between 1 and 200),
  network sha256_bytes not null,
  foreign key (slot, ref) references full_view,
  constraint a_view_is_of_a_try check ((tried is not null) = (kind = 'viewed'))
);

comment on table full_view_event is 'kept three years for who issued the proof, and for the resident; then it goes';
comment on column full_view_event.kind is 'tried: before it is known what comes of it; viewed; refused: no try was left';
comment on column full_view_event.office is 'who looks, as they say themselves';
comment on column full_view_event.network is 'a keyed hash of the network address: tells tries from one place, names none';

create index full_view_event_by_proof on full_view_event (slot, ref, at);
create index full_view_event_by_age on full_view_event (at);

create view full_view_proof as
  select proof.slot, proof.ref, proof.type_id, proof.type_version, proof.sealed_payload, proof.payload_key_id,
    opens.sealed_digest, opens.key_id
  from full_view opens
  join certificate proof on proof.slot = opens.slot and proof.ref = opens.ref
  where proof.issued_at is not null;

comment on view full_view_proof is 'all that the desk sees of encrypted contents: those of proofs that print six characters';

create function guard_full_view() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.slot, old.ref) is distinct from (new.slot, new.ref) then
    raise exception 'the characters of a proof do not change: only the key over their hash does'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

-- Five tries an hour for a proof, whoever asks and however many at once: one at a time is counted. Times never go back.
create function guard_full_view_event() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  latest timestamptz;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'tries are counted in transactions that are read committed: others would not see the last one'
      using errcode = 'restrict_violation';
  end if;
  perform from full_view where slot = new.slot and ref = new.ref for no key update;
  select max(at) into latest from full_view_event where slot = new.slot and ref = new.ref;
  new.at := greatest(new.at, latest);
  if new.kind = 'tried' and 5 <= (
    select count(*) from full_view_event
    where slot = new.slot and ref = new.ref and kind = 'tried' and at > new.at - interval '1 hour') then
    raise exception 'five tries an hour' using errcode = 'check_violation', constraint = 'five_tries_an_hour';
  end if;
  if new.kind = 'viewed' and not exists (
    select from full_view_event where id = new.tried and kind = 'tried' and (slot, ref) = (new.slot, new.ref)) then
    raise exception 'a view is of a try of the same proof' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function keep_full_view_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if old.at > clock_timestamp() - interval '3 years' then
    raise exception 'tries and views are kept for three years' using errcode = 'restrict_violation';
  end if;
  return old;
end
$$;

create trigger guard_full_view before update on full_view for each row execute function guard_full_view();
create trigger keep before delete on full_view for each row execute function refuse_change();
create trigger keep_all before truncate on full_view for each statement execute function refuse_change();
create trigger guard_full_view_event before insert on full_view_event
  for each row execute function guard_full_view_event();
create trigger keep before update on full_view_event for each row execute function refuse_change();
create trigger keep_three_years before delete on full_view_event for each row execute function keep_full_view_event();
create trigger keep_all before truncate on full_view_event for each statement execute function refuse_change();

grant select on full_view_proof to certsvc_desk;
grant select, insert (slot, ref, kind, tried, at, office, purpose, network) on full_view_event to certsvc_desk;
grant select (id, fingerprint, ended_at) on data_key to certsvc_desk;
