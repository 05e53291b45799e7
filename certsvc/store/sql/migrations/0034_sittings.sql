-- What approvers have seen and agreed to: nobody agrees to a proof, or to its end, but by a confirmation of exactly that.

create table proof_seen (
  account text not null references account,
  request_id text not null references proof_request,
  version integer not null check (version > 0),
  seen_at timestamptz not null,
  agreed_at timestamptz,
  primary key (account, request_id, version)
);

comment on table proof_seen is 'who was shown which version of a request, first when';
comment on column proof_seen.agreed_at is 'marked as agreed to in a sitting; null: not, or taken back. It decides nothing yet';

create table proof_confirmation (
  confirmation text primary key references account_confirmation,
  account text not null references account,
  key short_text not null,
  what text not null check (octet_length(what) <= 2048),
  at timestamptz not null,
  unique (account, key)
);

comment on table proof_confirmation is 'what an approver confirmed in a sitting, one request or several';
comment on column proof_confirmation.what is
  'a head, then a line for each: act, request, version seen; its SHA-256 is the digest that was confirmed (domain/sitting.py)';

alter table proof_request_event
  add column confirmation text references proof_confirmation,
  add constraint only_agreement_is_confirmed check (confirmation is null or act in ('approve', 'confirm_cancel'));

comment on column proof_request_event.confirmation is 'by which who approves agreed; one for all of a sitting';

create index proof_request_cancelling on proof_request (organ, changed_at)
  where state = 'sealed' and cancel_approval_id is not null;

create function guard_proof_seen() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (new.account, new.request_id, new.version, new.seen_at)
      is distinct from (old.account, old.request_id, old.version, old.seen_at) then
    raise exception 'what was seen was seen' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_proof_confirmation() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from account_confirmation known
    where known.id = new.confirmation and known.account = new.account and known.used_at = new.at
      and known.digest = sha256(convert_to(new.what, 'UTF8'))) then
    perform refuse_village('not_confirmed', new.confirmation);
  end if;
  return new;
end
$$;

comment on function guard_proof_confirmation is 'it is the person''s own, of exactly this, and used up for it';

create function require_confirmed() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from proof_confirmation said
    where said.confirmation = new.confirmation and said.account = new.account
      and new.at between said.at and said.at + interval '5 minutes'
      and new.act || ' ' || new.request_id || ' ' || new.version - 1 = any (string_to_array(said.what, E'\n'))) then
    perform refuse_village('not_confirmed', new.act);
  end if;
  if not exists (
    select from proof_seen seen
    where seen.account = new.account and seen.request_id = new.request_id and seen.version = new.version - 1) then
    perform refuse_village('not_seen', new.request_id);
  end if;
  return new;
end
$$;

comment on function require_confirmed is
  'an approver agrees to what they were shown and confirmed, then and not later; returning needs neither, for it only stops';

create trigger guard_proof_seen before update on proof_seen for each row execute function guard_proof_seen();
create trigger keep before delete on proof_seen for each row execute function refuse_change();
create trigger keep_all before truncate on proof_seen for each statement execute function refuse_change();
create trigger guard_proof_confirmation before insert on proof_confirmation
  for each row execute function guard_proof_confirmation();
create trigger keep before update or delete on proof_confirmation for each row execute function refuse_change();
create trigger keep_all before truncate on proof_confirmation for each statement execute function refuse_change();
create trigger require_confirmed before insert on proof_request_event
  for each row when (new.act in ('approve', 'confirm_cancel')) execute function require_confirmed();
