-- What a new embedded cluster holds before it is first used; run once, in single-user mode. The roles that do not own
-- the database are in roles.sql.

create role certsvc login;

create database certsvc owner certsvc;

revoke all on database certsvc, postgres, template1 from public;
