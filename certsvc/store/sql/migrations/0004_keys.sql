-- Keys: which data keys content was encrypted with, and the digest of each certificate's own token.

create table data_key (
  id short_text primary key,
  fingerprint sha256_bytes not null,
  first_used_at timestamptz not null,
  ended_at timestamptz,
  ended_why text check (ended_why in ('retired', 'lost')),
  constraint ended_for_a_reason check ((ended_at is null) = (ended_why is null))
);

comment on column data_key.fingerprint is 'derived from the key: tells it from another key of the same name';
comment on column data_key.ended_why is 'retired: nothing is encrypted under it any more; lost: what is, cannot be read';

create function guard_data_key() returns trigger language plpgsql as $$
begin
  if (old.id, old.fingerprint, old.first_used_at) is distinct from (new.id, new.fingerprint, new.first_used_at)
    or (old.ended_at is not null and (old.ended_at, old.ended_why) is distinct from (new.ended_at, new.ended_why)) then
    raise exception 'a data key on record does not change: it only ends' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_data_key before update on data_key for each row execute function guard_data_key();
create trigger keep before delete on data_key for each row execute function refuse_change();
create trigger keep_all before truncate on data_key for each statement execute function refuse_change();

-- A new look-up key changes the keyed hashes, and nothing else of a holder.

create function guard_holder() returns trigger language plpgsql as $$
begin
  if to_jsonb(old) - 'code_hash' is distinct from to_jsonb(new) - 'code_hash' then
    raise exception 'a holder does not change: only the keyed hash of the code does' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

drop trigger keep on holder;
create trigger guard_holder before update on holder for each row execute function guard_holder();
create trigger keep before delete on holder for each row execute function refuse_change();

-- What the public role may see of a token: whether it is the one on record.

create or replace view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at,
    sha256(token) as token_sha256
  from certificate
  where issued_at is not null;

create index seal_use_by_certificate on seal_use (slot, ref);

-- Every version of a proof is of one life, and hangs on nothing else.

alter table certificate
  drop constraint permits_hang_on_a_licence,
  add constraint permits_hang_on_a_licence
    check (category = 'licence' or (category = 'permit') = (root_ref <> life_ref));
