-- Signing in at a place's OpenID provider: whose account a subject is, and who is there at this moment.

alter table account_session
  drop constraint account_session_method_check,
  add constraint account_session_method_check check (method in ('password', 'password_totp', 'passkey', 'openid'));

alter table account_event
  drop constraint account_event_act_check,
  add constraint account_event_act_check check (act in ('added', 'signed_in', 'failed', 'locked', 'unlocked', 'session_ended', 'password_set',
    'totp_set', 'passkey_added', 'passkey_removed', 'confirmed', 'reset', 'disabled', 'linked', 'unlinked'));

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

create trigger keep before update on account_openid for each row execute function refuse_change();
create trigger keep before update on openid_flow for each row execute function refuse_change();
