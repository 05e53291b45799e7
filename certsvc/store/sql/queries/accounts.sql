-- name: account_of_name
-- What the account of a name can show.
select a.id, a.name, a.is_demonstration, a.added_at, a.disabled_at, p.hash, coalesce(p.must_change, false) as must_change,
  t.id as totp, t.sealed, t.key_id, t.last_step
from account a
left join account_password p on p.account = a.id
left join account_totp t on t.account = a.id and t.confirmed_at is not null
where a.name = $1

-- name: account_of_id
-- The same, of an id.
select a.id, a.name, a.is_demonstration, a.added_at, a.disabled_at, p.hash, coalesce(p.must_change, false) as must_change,
  t.id as totp, t.sealed, t.key_id, t.last_step
from account a
left join account_password p on p.account = a.id
left join account_totp t on t.account = a.id and t.confirmed_at is not null
where a.id = $1

-- name: lock_account
-- One change of an account at a time; no row when it is not known or disabled.
select id, name from account where id = $1 and disabled_at is null for no key update

-- name: make_count
-- A place where failures are counted.
insert into sign_in_count (key, failures, last_at) values ($1, 0, $2) on conflict do nothing

-- name: lock_counts
-- What is counted of an account and of an address; always in one order, so that nobody waits for each other.
select key, case when last_at < $2 then 0 else failures end as failures, locked_until from sign_in_count
where key = any ($1) order by key for no key update

-- name: count_failure
-- One more, before it is known what comes of it.
update sign_in_count set failures = $2, last_at = greatest(last_at, $3), locked_until = $4 where key = $1

-- name: forget_failures
-- Somebody showed who they are: their account has no failures, their address half as many.
update sign_in_count set failures = case when key = $1 then 0 else failures / 2 end, locked_until = null
where key = $1 or key = $2

-- name: touch_count
-- A failure of a name that nobody has costs what another does.
update sign_in_count set last_at = greatest(last_at, $2) where key = $1 returning locked_until

-- name: unlock
-- An account may be tried again at once.
delete from sign_in_count where key = $1

-- name: insert_event
-- What happened to an account.
insert into account_event (account, act, actor, at, network, detail) values ($1, $2, $3, $4, $5, $6)

-- name: events
-- The newest of it.
select act, actor, at, detail from account_event where account = $1 order by id desc limit $2

-- name: use_totp
-- A code is taken; no row when this one or a later one was before.
update account_totp set last_step = $2 where id = $1 and last_step < $2 returning id

-- name: passkey
-- A passkey by its id.
select k.id, k.account, k.name, k.credential, k.sign_count, k.added_at, k.used_at
from account_passkey k join account a on a.id = k.account
where k.id = $1 and a.disabled_at is null

-- name: lock_passkey
-- Its count, while nobody else moves it; no row when it was removed.
select sign_count from account_passkey where id = $1 and account = $2 for no key update

-- name: use_passkey
-- It signed.
update account_passkey set sign_count = $2, used_at = $3 where id = $1

-- name: passkeys
-- The passkeys of an account, the oldest first.
select id, account, name, credential, sign_count, added_at, used_at from account_passkey
where account = $1 order by added_at, id

-- name: insert_passkey
-- One more; no row when it is on record already.
insert into account_passkey (id, account, name, credential, sign_count, added_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning id

-- name: delete_passkey
-- It opens nothing any more; its name stays in the events.
delete from account_passkey where id = $1 and account = $2 returning name

-- name: delete_passkeys
-- All of an account.
delete from account_passkey where account = $1

-- name: insert_challenge
-- What a passkey is to sign.
insert into account_challenge (challenge, purpose, account, digest, ends_at) values ($1, $2, $3, $4, $5)

-- name: use_challenge
-- Taken away by who uses it; no row when it was used, is too old, or is for something else.
delete from account_challenge where challenge = $1 and purpose = $2 and ends_at > $3 returning account, digest

-- name: delete_challenges
-- Those that are too old.
delete from account_challenge where ends_at <= $1

-- name: live_sessions
-- The sessions of an account that hold, the last used first.
select id, method, agent, begun_at, seen_at, ends_at from account_session
where account = $1 and ended_at is null and ends_at > $2::timestamptz and seen_at > $2::timestamptz - $3::interval
order by seen_at desc, id

-- name: open_sessions
-- Those that count against the most there may be, the ones that were not used for longest first.
select id, method, agent, begun_at, seen_at, ends_at from account_session
where account = $1 and ended_at is null and ends_at > $2 order by seen_at, id

-- name: insert_session
-- Somebody signed in.
insert into account_session (id, token, account, method, agent, begun_at, seen_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $6, $7)

-- name: session
-- Who has a token, if the session holds.
select s.id, s.account, a.name, s.method, s.seen_at, coalesce(p.must_change, false) as must_change
from account_session s
join account a on a.id = s.account
left join account_password p on p.account = a.id
where s.token = $1 and s.ended_at is null and s.ends_at > $2::timestamptz
  and s.seen_at > $2::timestamptz - $3::interval and a.disabled_at is null

-- name: see_session
-- It was used.
update account_session set seen_at = $2 where id = $1 and ended_at is null and seen_at < $2

-- name: end_session
-- A session of an account ends; no row when it did before.
update account_session set ended_at = $3, ended_why = $4 where id = $2 and account = $1 and ended_at is null returning id

-- name: end_session_of_token
-- The session that a browser still had.
update account_session set ended_at = $2, ended_why = 'replaced' where token = $1 and ended_at is null

-- name: end_other_sessions
-- All of an account but one.
update account_session set ended_at = $3, ended_why = $4 where account = $1 and id <> $2 and ended_at is null

-- name: delete_sessions
-- Those that ended long ago.
delete from account_session where ends_at < $1

-- name: delete_counts
-- Those of which nothing is left to count.
delete from sign_in_count where last_at < $1

-- name: set_password
-- A password from now on.
insert into account_password (account, hash, must_change, set_at) values ($1, $2, $3, $4)
on conflict (account) do update set hash = $2, must_change = $3, set_at = $4

-- name: delete_totp
-- Nothing is left of the codes that are in force, or of those being set up.
delete from account_totp where account = $1 and (confirmed_at is not null) = $2

-- name: insert_totp
-- Codes that are being set up.
insert into account_totp (id, account, sealed, key_id, made_at) values ($1, $2, $3, $4, $5)

-- name: pending_totp
-- Codes that are being set up.
select id as totp, account, sealed, key_id, last_step from account_totp where account = $1 and confirmed_at is null

-- name: confirm_totp
-- They are in force from now on; no row when others are being set up by now.
update account_totp set confirmed_at = $2, last_step = $3 where id = $1 and confirmed_at is null returning id

-- name: insert_confirmation
-- An act was confirmed.
insert into account_confirmation (id, account, digest, method, at) values ($1, $2, $3, $4, $5)

-- name: use_confirmation
-- It is used up; no row when it was before, is too old, or is another's or for something else.
update account_confirmation set used_at = $4
where id = $1 and account = $2 and digest = $3 and used_at is null and $4 between at and at + interval '5 minutes'
returning id

-- name: insert_account
-- A person may sign in; no row when the name is taken.
insert into account (id, name, is_demonstration, added_at) values ($1, $2, $3, $4) on conflict (name) do nothing
returning id

-- name: disable_account
-- Nobody signs in with it any more.
update account set disabled_at = $2 where id = $1 and disabled_at is null returning id

-- name: enable_account
-- It is open again.
update account set disabled_at = null where id = $1

-- name: accounts
-- Every account, by name, with what it can show.
select a.id, a.name, a.is_demonstration, a.added_at, a.disabled_at,
  exists (select from account_totp t where t.account = a.id and t.confirmed_at is not null) as has_totp,
  (select count(*) from account_passkey k where k.account = a.id) as passkeys,
  (select count(*) from account_session s where s.account = a.id and s.ended_at is null and s.ends_at > $1::timestamptz
    and s.seen_at > $1::timestamptz - $2::interval) as sessions,
  (select c.locked_until from sign_in_count c
    where c.key = sha256(convert_to('account ' || a.id, 'UTF8')) and c.locked_until > $1) as locked_until
from account a
order by a.name

-- name: demonstration_accounts
-- Those whose passwords everybody knows.
select name from account where is_demonstration and disabled_at is null order by name

-- name: system_of_name
-- A client that is no person has this name.
select id from client where name = $1 and kind = 'system'

-- name: lock_any_account
-- One change at a time, also of one that is disabled.
select id from account where id = $1 for no key update
