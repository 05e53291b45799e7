-- name: need
-- What a request needs, as it is opened.
insert into proof_doubt (request_id, needs) values ($1, $2)

-- name: needs
-- What it needed when it was opened.
select needs from proof_doubt where request_id = $1

-- name: checks
-- What was found, about the holder that the request names now; of several for one need the newest.
select distinct on (c.need) c.need, c.said, c.version, c.account, c.person, c.at
from proof_doubt_check c
join proof_request r on r.id = c.request_id and r.holder_hash is not distinct from c.holder_hash
where c.request_id = $1
order by c.need, c.version desc, c.at desc, c.key

-- name: recorded
-- What was put on record under this key.
select digest from proof_doubt_check where request_id = $1 and key = $2

-- name: record
-- What was found goes on record; the triggers look at it.
insert into proof_doubt_check (request_id, key, digest, version, need, said, account, person, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: lock
-- One act at a time.
select from proof_request where id = $1 for no key update
