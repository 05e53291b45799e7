-- Persons who sign in: their credentials, their sessions, what they confirmed, and what happened to all of it.

create table account (
  id text primary key check (id ~ '^a-[a-z2-7]{20}$'),
  name person_name not null unique,
  is_demonstration boolean not null,
  added_at timestamptz not null,
  disabled_at timestamptz
);

comment on column account.name is 'of one person, under which seals, decisions and books have it; it never changes';
comment on column account.is_demonstration is 'its password is known to everybody: nothing in earnest starts beside it';

create table account_password (
  account text primary key references account,
  hash short_text not null check (hash ~ '^\$argon2id\$'),
  must_change boolean not null,
  set_at timestamptz not null
);

comment on column account_password.must_change is 'somebody else knows it: nothing but changing it is open to who has it';

create table account_totp (
  id text primary key check (id ~ '^t-[a-z2-7]{20}$'),
  account text not null references account,
  sealed bytea not null check (octet_length(sealed) between 32 and 128),
  key_id short_text not null,
  made_at timestamptz not null,
  confirmed_at timestamptz,
  last_step bigint not null default 0
);

comment on table account_totp is 'secrets of one-time codes (RFC 6238), encrypted; one in force, and one that is being set up';
comment on column account_totp.last_step is 'of 30 seconds, of the last code that was taken: none is taken twice';

create unique index one_totp_in_force on account_totp (account) where confirmed_at is not null;
create unique index one_totp_being_set_up on account_totp (account) where confirmed_at is null;

create table account_passkey (
  id bytea primary key check (octet_length(id) between 16 and 1023),
  account text not null references account,
  name text not null check (char_length(name) between 1 and 60),
  credential bytea not null check (octet_length(credential) between 32 and 4096),
  sign_count bigint not null check (sign_count >= 0),
  added_at timestamptz not null,
  used_at timestamptz
);

comment on table account_passkey is 'public halves (WebAuthn), with the attested credential data that they came in';

create index account_passkey_by_account on account_passkey (account);

create table account_challenge (
  challenge bytea primary key check (octet_length(challenge) = 32),
  purpose text not null check (purpose in ('sign_in', 'register', 'confirm')),
  account text references account,
  digest sha256_bytes,
  ends_at timestamptz not null,
  constraint a_challenge_is_for_somebody check ((account is null) = (purpose = 'sign_in')),
  constraint what_is_confirmed_is_known check ((digest is not null) = (purpose = 'confirm'))
);

comment on table account_challenge is 'what passkeys are to sign, once: who uses one takes it away';

create index account_challenge_by_end on account_challenge (ends_at);

create table account_session (
  id text primary key check (id ~ '^s-[a-z2-7]{20}$'),
  token sha256_bytes not null unique,
  account text not null references account,
  method text not null check (method in ('password', 'password_totp', 'passkey', 'openid')),
  agent text not null check (char_length(agent) <= 100),
  begun_at timestamptz not null,
  seen_at timestamptz not null,
  ends_at timestamptz not null,
  ended_at timestamptz,
  ended_why text check (ended_why in ('signed_out', 'ended', 'too_many', 'replaced', 'password', 'reset', 'disabled')),
  constraint an_end_has_a_reason check ((ended_at is null) = (ended_why is null)),
  constraint twelve_hours_at_most check (ends_at <= begun_at + interval '12 hours')
);

comment on column account_session.token is 'SHA-256 of what the browser has; 256 random bits need no slow hash';

create index account_session_by_account on account_session (account) where ended_at is null;
create index account_session_by_end on account_session (ends_at);

create table account_event (
  id bigint generated always as identity primary key,
  account text not null references account,
  act text not null check (act in ('added', 'signed_in', 'failed', 'locked', 'unlocked', 'session_ended', 'password_set',
    'totp_set', 'passkey_added', 'passkey_removed', 'confirmed', 'reset', 'disabled', 'linked', 'unlinked')),
  actor person_name not null,
  at timestamptz not null,
  network sha256_bytes,
  detail short_text
);

comment on column account_event.network is 'a keyed hash of the network address: tells tries from one place, names none';

create index account_event_by_account on account_event (account, id);

create table account_confirmation (
  id text primary key check (id ~ '^k-[a-z2-7]{20}$'),
  account text not null references account,
  digest sha256_bytes not null,
  method text not null check (method in ('password_totp', 'passkey')),
  at timestamptz not null,
  used_at timestamptz,
  constraint used_within_five_minutes check (used_at between at and at + interval '5 minutes')
);

comment on table account_confirmation is 'that a person confirmed one act, with more than a password; good for it alone, once';
comment on column account_confirmation.digest is 'SHA-256 of the act, as whoever carries it out computes it';

create table sign_in_count (
  key sha256_bytes primary key,
  failures integer not null check (failures >= 0),
  last_at timestamptz not null,
  locked_until timestamptz
);

comment on table sign_in_count is 'failures in a row, by a hash of the account or of the name typed, and by one of the address';

create index sign_in_count_by_age on sign_in_count (last_at);

create table account_openid (
  issuer text not null check (issuer ~ '^https?://' and char_length(issuer) <= 200),
  subject text not null check (char_length(subject) between 1 and 255),
  account text not null references account,
  linked_at timestamptz not null,
  primary key (issuer, subject),
  unique (account, issuer)
);

comment on table account_openid is 'who an OpenID provider''s subject is here; put on record by the operator, never by itself';

create table openid_flow (
  state sha256_bytes primary key,
  browser sha256_bytes not null,
  nonce text not null check (char_length(nonce) = 43),
  verifier text not null check (char_length(verifier) = 43),
  going text not null check (char_length(going) <= 500),
  ends_at timestamptz not null
);

comment on table openid_flow is 'somebody is at the provider to sign in; who comes back takes it away, so each is good once';
comment on column openid_flow.state is 'SHA-256 of what the provider gives back';
comment on column openid_flow.browser is 'SHA-256 of what the browser that was sent there has';

create index openid_flow_by_end on openid_flow (ends_at);

create function guard_account() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if exists (select from client where name = new.name and kind = 'system') then
      raise exception 'this is the name of a system' using errcode = 'check_violation',
        constraint = 'persons_are_no_systems';
    end if;
  elsif (new.id, new.name, new.is_demonstration, new.added_at)
      is distinct from (old.id, old.name, old.is_demonstration, old.added_at) then
    raise exception 'an account stays that of one person' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_account_totp() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (new.id, new.account, new.made_at) is distinct from (old.id, old.account, old.made_at)
    or (old.confirmed_at is not null and new.confirmed_at is distinct from old.confirmed_at)
    or new.last_step < old.last_step then
    raise exception 'a secret of codes stays as it is, and no code is taken twice' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_account_passkey() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (new.id, new.account, new.name, new.credential, new.added_at)
      is distinct from (old.id, old.account, old.name, old.credential, old.added_at)
    or new.sign_count < old.sign_count then
    raise exception 'a passkey stays as it is, and its count never goes back' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

-- Five sessions at most. Whoever begins one has the account's row, so that none is counted while another begins.
create function guard_account_session() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform from account where id = new.account for no key update;
    if 5 <= (select count(*) from account_session
      where account = new.account and ended_at is null and ends_at > new.begun_at) then
      raise exception 'five sessions at most' using errcode = 'check_violation', constraint = 'five_sessions';
    end if;
    return new;
  end if;
  if (new.id, new.token, new.account, new.method, new.agent, new.begun_at, new.ends_at)
      is distinct from (old.id, old.token, old.account, old.method, old.agent, old.begun_at, old.ends_at)
    or new.seen_at < old.seen_at or old.ended_at is not null then
    raise exception 'a session is only seen, and ends once' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function keep_account_session() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if old.ends_at > clock_timestamp() - interval '30 days' then
    raise exception 'sessions are kept for thirty days' using errcode = 'restrict_violation';
  end if;
  return old;
end
$$;

create function guard_account_confirmation() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (new.id, new.account, new.digest, new.method, new.at)
      is distinct from (old.id, old.account, old.digest, old.method, old.at)
    or old.used_at is not null or new.used_at is null then
    raise exception 'a confirmation is used once, for what was confirmed' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_account before insert or update on account for each row execute function guard_account();
create trigger keep before delete on account for each row execute function refuse_change();
create trigger keep_all before truncate on account for each statement execute function refuse_change();
create trigger guard_account_totp before update on account_totp for each row execute function guard_account_totp();
create trigger guard_account_passkey before update on account_passkey
  for each row execute function guard_account_passkey();
create trigger keep before update on account_challenge for each row execute function refuse_change();
create trigger guard_account_session before insert or update on account_session
  for each row execute function guard_account_session();
create trigger keep_thirty_days before delete on account_session for each row execute function keep_account_session();
create trigger keep_all before truncate on account_session for each statement execute function refuse_change();
create trigger keep before update or delete on account_event for each row execute function refuse_change();
create trigger keep_all before truncate on account_event for each statement execute function refuse_change();
create trigger guard_account_confirmation before update on account_confirmation
  for each row execute function guard_account_confirmation();
create trigger keep before update on account_openid for each row execute function refuse_change();
create trigger keep before update on openid_flow for each row execute function refuse_change();
create trigger keep before delete on account_confirmation for each row execute function refuse_change();
create trigger keep_all before truncate on account_confirmation for each statement execute function refuse_change();
