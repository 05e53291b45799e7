-- Who is told that a proof was corrected is told which one they had.

alter table proof_told add column replaces short_text;

comment on column proof_told.replaces is 'the code of the proof that they had, where it was corrected';

create or replace function tell_receivers() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
  is_new constant boolean := new.act = 'seal';
begin
  select * into known from proof_request where id = new.request_id;
  insert into proof_told (request_id, version, receiver, name, client, kind, slot, ref, code, at, replaces)
  select new.request_id, new.version, one.receiver, one.name, one.client,
    case when not is_new then 'cancelled' when one.had_the_last then 'corrected' else 'issued' end,
    made.slot, made.ref, asked.result ->> 'code', new.at, case when is_new then one.code end
  from approval asked
  join issue_order made on made.client = asked.client and made.key = asked.id
  cross join lateral (
    select distinct on (receiver) * from (
      select receiver, name, client, code, true as had_the_last from proof_told
      where slot = case when is_new then known.corrects_slot else made.slot end
        and ref = case when is_new then known.corrects_ref else made.ref end
      union all
      select newest.* from (
        select receiver, name, client, null, false from proof_receiver
        where request_id = known.id order by number desc limit 1) newest
      where is_new and newest.receiver is not null) whom
    order by receiver, had_the_last desc) one
  where asked.id = known.approval_id;
  insert into notice (at, kind, client, data)
  select at, 'proof.' || kind, client,
    jsonb_strip_nulls(jsonb_build_object('code', code, 'replaces', replaces, 'type', known.type_id, 'organ', known.organ))
  from proof_told where request_id = new.request_id and version = new.version and client is not null;
  return null;
end
$$;
