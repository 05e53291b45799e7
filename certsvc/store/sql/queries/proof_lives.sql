-- name: lives
-- What the register has on $2 of the certificates that the requests $1 became.
select made.request_id, made.ref, life.* from proof_made made
cross join lateral proof_life(made.slot, made.ref, $2) life
where made.request_id = any($1::text[])

-- name: life
-- What the register has on $3 of the certificate $2 of slot $1.
select $2::bytea as ref, life.* from proof_life($1, $2, $3) life

-- name: life_of_code
-- The same, on $2, of the certificate that the request with a code became.
select made.ref, life.* from proof_request r
join proof_made made on made.request_id = r.id
cross join lateral proof_life(made.slot, made.ref, $2) life
where r.code_hash = $1 and r.state in ('sealed', 'cancelled')

-- name: was_opened
-- Whether who opens a request sent this before.
select exists (select from proof_request where opened_by = $1 and key = $2)
