-- What all tables are made of.

create extension if not exists btree_gist;

do $$
begin
  if not exists (select from pg_roles where rolname = 'certsvc_public') then
    raise exception 'the role certsvc_public is missing; create it first: create role certsvc_public login';
  end if;
  if not exists (select from pg_roles where rolname = 'certsvc_desk') then
    raise exception 'the role certsvc_desk is missing; create it first: create role certsvc_desk login';
  end if;
end
$$;

create domain ref_bytes as bytea check (octet_length(value) = 10);
create domain sha256_bytes as bytea check (octet_length(value) = 32);
create domain slot_number as smallint check (value between 0 and 4095);
create domain short_text as text check (char_length(value) between 1 and 400);
create domain long_text as text check (char_length(value) between 1 and 4000);
create domain person_name as text check (char_length(value) between 1 and 100 and value !~ '^\s|\s$');

create function is_in_one_spelling(name text) returns boolean
  language sql immutable strict parallel safe
  return name is nfkc normalized
    and name !~ '^ | $|  '
    and name !~ ('[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f'
      '\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff'
      '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]');

comment on function is_in_one_spelling is 'NFKC, single spaces inside and none around, nothing that cannot be seen';

alter domain person_name add constraint name_has_one_spelling check (is_in_one_spelling(value)) not valid;

create function slot_of(ref bytea) returns smallint
  language sql immutable strict parallel safe
  return (get_byte(ref, 0) * 16 + get_byte(ref, 1) / 16)::smallint;

create function refuse_change() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end
$$;
