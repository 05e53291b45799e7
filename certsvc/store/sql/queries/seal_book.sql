-- name: newest
-- Lines of the book of seal $1 below number $2, from $3 to before $4, of type $5 where one is named; the newest first.
select book_number as number, line.* from seal_book_line line
where seal_id = $1 and book_number < coalesce($2, 2147483647)
  and ($3::timestamptz is null or intended_at >= $3) and ($4::timestamptz is null or intended_at < $4)
  and ($5::text is null or type_id = $5)
order by book_number desc limit $6

-- name: newest_of_before
-- The same of uses that were booked without a number: their place in the order of booking.
select number, line.* from (
  select id, (row_number() over (order by id))::integer as number from seal_use
  where seal_id = $1 and book_number is null) place
join seal_book_line line using (id)
where number < coalesce($2, 2147483647)
  and ($3::timestamptz is null or intended_at >= $3) and ($4::timestamptz is null or intended_at < $4)
  and ($5::text is null or type_id = $5)
order by number desc limit $6

-- name: oldest
-- Lines above number $2, the oldest first.
select book_number as number, line.* from seal_book_line line
where seal_id = $1 and book_number > coalesce($2, 0)
  and ($3::timestamptz is null or intended_at >= $3) and ($4::timestamptz is null or intended_at < $4)
  and ($5::text is null or type_id = $5)
order by book_number limit $6

-- name: oldest_of_before
-- The same of uses that were booked without a number.
select number, line.* from (
  select id, (row_number() over (order by id))::integer as number from seal_use
  where seal_id = $1 and book_number is null) place
join seal_book_line line using (id)
where number > coalesce($2, 0)
  and ($3::timestamptz is null or intended_at >= $3) and ($4::timestamptz is null or intended_at < $4)
  and ($5::text is null or type_id = $5)
order by number limit $6
