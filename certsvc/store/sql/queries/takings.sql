-- name: begin
-- Work is begun by the process $2, one time more than is on record.
insert into taking (work, times, by, at)
select work, 1, $2, $3 from unnest($1::text[]) as work order by work
on conflict (work) do update set times = taking.times + 1, by = excluded.by, at = excluded.at

-- name: forget
-- Work was broken off, but not with its process $2: unless another began it since, it was not begun in vain.
delete from taking where work = any($1::text[]) and by = $2

-- name: end
-- Work came to an end.
delete from taking where work = any($1::text[])

-- name: allow_once
-- Work that ended its process too often may be begun once more.
update taking set times = $2 where work = $1
