-- That a term ends is no entry in a life, and so no notice: followers are told of it day by day.

alter table following_end add column terms_until date;

comment on column following_end.terms_until is
  'of terms whose last day was before this one followers were told; null: nobody looked yet';

alter table followed_change
  drop constraint followed_change_pkey,
  alter column position drop not null,
  add column id bigint generated always as identity primary key,
  add unique (follower_id, position);

comment on column followed_change.position is 'of the notice that told it; null: a term ended, and no notice did';

create or replace function guard_following_end() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.position < old.position or new.terms_until < old.terms_until then
    raise exception 'nobody is told twice' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
