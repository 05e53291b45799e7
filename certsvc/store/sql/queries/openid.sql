-- name: insert_flow
-- Somebody is sent to the provider.
insert into openid_flow (state, browser, nonce, verifier, going, ends_at) values ($1, $2, $3, $4, $5, $6)

-- name: take_flow
-- Taken away by who comes back; no row when it was used or is none of ours.
delete from openid_flow where state = $1 returning browser, nonce, verifier, going, ends_at

-- name: delete_flows
-- Of those who did not come back in time.
delete from openid_flow where ends_at <= $1

-- name: account_of
-- Whose account a subject is.
select a.id from account_openid o join account a on a.id = o.account
where o.issuer = $1 and o.subject = $2 and a.disabled_at is null

-- name: links
-- What an account is linked to.
select issuer, subject, account, linked_at from account_openid where account = $1 order by issuer

-- name: link
-- It is this person's; no row when it is on record already.
insert into account_openid (issuer, subject, account, linked_at) values ($1, $2, $3, $4) on conflict do nothing
returning account

-- name: linked
-- Whose it is, and what else would stand in the way.
select account, issuer, subject from account_openid
where (issuer, subject) = ($1, $2) or (account, issuer) = ($3, $1)

-- name: unlink
-- Nobody signs in with it any more; no row when it is none of this account's.
delete from account_openid where account = $1 and issuer = $2 returning subject
