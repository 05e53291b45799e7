-- Who follows a licence by mail, what is to be told to whom, and the mails that tell it.

create table follower (
  id text primary key check (id ~ '^f-[a-z2-7]{20}$'),
  slot slot_number not null,
  ref ref_bytes not null,
  address_hash sha256_bytes not null,
  sealed bytea check (octet_length(sealed) between 1 and 2000),
  key_id short_text,
  language text not null check (language ~ '^[a-z]{2,8}$'),
  asked_at timestamptz not null,
  confirm_hash sha256_bytes unique,
  confirm_until timestamptz,
  stop_hash sha256_bytes not null unique,
  confirmed_at timestamptz,
  expires_at timestamptz not null,
  reminded_at timestamptz,
  told_at timestamptz,
  due_at timestamptz,
  refusals smallint not null default 0 check (refusals >= 0),
  ended_at timestamptz,
  ended_why text check (ended_why in ('stopped', 'expired', 'refused', 'not_confirmed')),
  foreign key (slot, ref) references certificate,
  constraint a_secret_has_an_end check ((confirm_hash is null) = (confirm_until is null)),
  constraint the_address_goes_at_the_end
    check (num_nulls(sealed, key_id) = case when ended_at is null then 0 else 2 end
      and (ended_at is null or (confirm_hash is null and due_at is null))),
  constraint ended_for_a_reason check ((ended_at is null) = (ended_why is null)),
  constraint only_who_confirmed_is_told
    check (confirmed_at is not null or (told_at is null and due_at is null and reminded_at is null))
);

comment on table follower is 'who follows a licence by mail; the address lies encrypted, and goes at the end';
comment on column follower.ref is 'the first version of the licence';
comment on column follower.address_hash is 'keyed hash of the address: found by who knows it, read by nobody';
comment on column follower.sealed is 'the address and the two secrets that go out in mails, encrypted and bound to the id';
comment on column follower.confirm_hash is 'SHA-256 of the one-time secret that confirms, or goes on; null once it is used';
comment on column follower.stop_hash is 'SHA-256 of the secret that ends it';
comment on column follower.due_at is 'when what waits to be told may be told: at most once a day';

create unique index follows_once on follower (address_hash, slot, ref) where ended_at is null;
create index follower_told on follower (slot, ref) where confirmed_at is not null and ended_at is null;
create index follower_due on follower (due_at) where due_at is not null and ended_at is null;
create index follower_expiring on follower (expires_at) where ended_at is null;
create index follower_ended on follower (ended_at) where ended_at is not null;

create table follow_request (
  id bigint generated always as identity primary key,
  slot slot_number not null,
  ref ref_bytes not null,
  address_hash sha256_bytes not null,
  at timestamptz not null
);

comment on table follow_request is 'mails of confirmation that were asked for, counted against those who bomb a mailbox';

create index follow_request_by_address on follow_request (address_hash, at);
create index follow_request_by_licence on follow_request (slot, ref, at);
create index follow_request_by_time on follow_request (at);

create table following_end (
  here boolean primary key default true check (here),
  position bigint not null check (position >= 0),
  terms_until date
);

comment on table following_end is 'the last notice that followers were told of; who looks for the next ones locks this row';
comment on column following_end.terms_until is
  'of terms whose last day was before this one followers were told; null: nobody looked yet';

insert into following_end (position) select coalesce(max(position), 0) from notice_end;

create table followed_change (
  follower_id text not null references follower on delete cascade,
  position bigint check (position > 0),
  change jsonb not null check (jsonb_typeof(change) = 'object' and octet_length(change::text) <= 4096),
  id bigint generated always as identity primary key,
  unique (follower_id, position)
);

comment on table followed_change is 'what a follower is still to be told, and nothing about persons';
comment on column followed_change.position is 'of the notice that told it; null: a term ended, and no notice did';

create table following_mail (
  id bigint generated always as identity primary key,
  follower_id text not null references follower on delete cascade,
  kind text not null check (kind in ('confirm', 'changes', 'remind')),
  changes jsonb check (jsonb_typeof(changes) = 'array' and octet_length(changes::text) <= 262144),
  made_at timestamptz not null,
  queued_at timestamptz,
  begun_at timestamptz,
  broken_off smallint not null default 0 check (broken_off between 0 and 2),
  ended_at timestamptz,
  came text check (came in ('sent', 'refused', 'given_up', 'not_wanted')),
  constraint changes_tell_something check ((kind = 'changes') = (changes is not null)),
  constraint an_end_says_what_came check ((ended_at is null) = (came is null))
);

comment on table following_mail is 'on record before it is sent; begun and without an end it was broken off, and may have been sent';

create index following_mail_new on following_mail (id) where queued_at is null;
create index following_mail_ended on following_mail (ended_at) where ended_at is not null;
create index following_mail_by_follower on following_mail (follower_id);

create function guard_follower() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (old.id, old.slot, old.ref, old.address_hash, old.stop_hash)
      is distinct from (new.id, new.slot, new.ref, new.address_hash, new.stop_hash)
    or old.ended_at is not null
    or (old.confirmed_at is not null and new.confirmed_at is distinct from old.confirmed_at) then
    raise exception 'a follower keeps its licence and its address, is confirmed once, and one that ended stays so'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_following_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.position < old.position or new.terms_until < old.terms_until then
    raise exception 'nobody is told twice' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_follower before update on follower for each row execute function guard_follower();
create trigger guard_following_end before update on following_end for each row execute function guard_following_end();
create trigger keep before delete on following_end for each row execute function refuse_change();

-- The desk takes requests, confirmations and ends; it reads no address and no mail.

grant select (id, slot, ref, address_hash, language, asked_at, confirm_hash, confirm_until, stop_hash, confirmed_at,
  expires_at, ended_at) on follower to certsvc_desk;
grant insert (id, slot, ref, address_hash, sealed, key_id, language, asked_at, confirm_hash, confirm_until, stop_hash,
  expires_at) on follower to certsvc_desk;
grant update (sealed, key_id, language, asked_at, confirm_hash, confirm_until, confirmed_at, expires_at, reminded_at,
  due_at, ended_at, ended_why) on follower to certsvc_desk;
grant select (address_hash, slot, ref, at), insert (address_hash, slot, ref, at) on follow_request to certsvc_desk;
grant insert (follower_id, kind, made_at) on following_mail to certsvc_desk;
