-- What a new embedded cluster holds before it is first used; run once, in single-user mode.

create role certsvc login;

create role certsvc_public login;

alter role certsvc_public set default_transaction_read_only = on;

create database certsvc owner certsvc;

revoke all on database certsvc, postgres, template1 from public;

grant connect on database certsvc to certsvc_public;
