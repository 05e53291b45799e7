-- The roles of the embedded cluster beside its owner, whatever it was made with; run in single-user mode.

do $$ begin
  if not exists (select from pg_roles where rolname = 'certsvc_public') then create role certsvc_public login; end if;
end $$;

alter role certsvc_public set default_transaction_read_only = on;

do $$ begin
  if not exists (select from pg_roles where rolname = 'certsvc_desk') then create role certsvc_desk login; end if;
end $$;

grant connect on database certsvc to certsvc_public, certsvc_desk;
