-- name: add
-- Evidence that came with the act of this version.
insert into proof_evidence (id, request_id, version, kind, pages, sealed, key_id) values ($1, $2, $3, $4, $5, $6, $7)

-- name: add_page
-- One of its pictures.
insert into proof_evidence_page (evidence, page, sealed, key_id) values ($1, $2, $3, $4)

-- name: remove
-- It is gone with the act of this version, and its pictures with it; no row when it is none of this request.
update proof_evidence set removed_version = $3, sealed = null, key_id = null
where id = $1 and request_id = $2 and removed_version is null and sealed is not null
returning id

-- name: of_request
-- What there is, in the order in which it came.
select e.id, e.request_id, e.version, e.kind, e.pages, e.sealed, e.key_id, added.person, added.at
from proof_evidence e
join proof_request_event added on added.request_id = e.request_id and added.version = e.version
where e.request_id = $1 and e.sealed is not null
order by e.version

-- name: page
-- One picture; only by the request that it belongs to.
select p.sealed, p.key_id
from proof_evidence_page p join proof_evidence e on e.id = p.evidence
where e.request_id = $1 and e.id = $2 and p.page = $3
