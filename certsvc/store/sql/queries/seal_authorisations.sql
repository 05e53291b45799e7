-- name: lock_seal
-- One at a time opens a seal, uses it, or takes that back.
select id from seal where id = $1 for no key update

-- name: by_key
-- What a request was given, if it came before.
select a.*, k.method, e.why, e.ended_by, e.ended_at, e.reason
from seal_authorisation a
join account_confirmation k on k.id = a.confirmation
left join seal_authorisation_end e on e.authorisation_id = a.id
where a.client = $1 and a.key = $2

-- name: authorisation
-- An authorisation of a seal.
select a.*, k.method, e.why, e.ended_by, e.ended_at, e.reason
from seal_authorisation a
join account_confirmation k on k.id = a.confirmation
left join seal_authorisation_end e on e.authorisation_id = a.id
where a.id = $1 and a.seal_id = $2

-- name: give
-- The keeper opens a seal: the trigger sees whether they may.
insert into seal_authorisation (id, seal_id, keeper, certificate_types, quota, daily_quota, first_day, last_day,
  confirmation, given_at, client, key, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: revoke
-- The keeper takes it back.
insert into seal_authorisation_end (authorisation_id, why, ended_by, ended_at, reason) values ($1, 'revoked', $2, $3, $4)

-- name: standings
-- The authorisations of seal $1 that neither ended nor are over on the day $2, or all, and how often each was used, in all
-- and on that day; the newest first.
select a.*, k.method, e.why, e.ended_by, e.ended_at, e.reason, keeper_serves(a.seal_id, a.keeper, $2) as serves,
  (select count(*) from seal_use u where u.authorisation_id = a.id) as uses,
  (select count(*) from seal_use u where u.authorisation_id = a.id and day_of(u.intended_at) = $2) as uses_today
from seal_authorisation a
join account_confirmation k on k.id = a.confirmation
left join seal_authorisation_end e on e.authorisation_id = a.id
where a.seal_id = $1 and ($3 or e.why is null and a.last_day >= $2)
order by a.given_at desc, a.id limit $4
