-- Reports of problems: what strangers find wrong, who answers and until when, and the corrections that follow.

alter table notice
  drop constraint notice_action_check,
  drop constraint whom_is_known,
  add constraint notice_action_check check (action in ('read', 'decide', 'answer')),
  add constraint whom_is_known check ((action is null) = (type_id is null) and (action is null) = (area is null)
    and (ref is null) = (slot is null) and (ref is null) = (seal_id is null)
    and (ref is not null) = (action is not null and action <> 'decide'));

comment on column notice.action is
  'to read the certificate, to decide a part of a case of this type, or to answer a report about the certificate';

create table problem_report (
  number text primary key check (number ~ '^R(-[0-9A-HJKMNP-TV-Z]{5}){3}$'),
  token sha256_bytes not null unique,
  digest sha256_bytes not null,
  opened_at timestamptz not null,
  kind text not null check (kind in ('data_wrong', 'permit_missing', 'looks_forged', 'qr_elsewhere', 'other')),
  source text not null check (source in ('qr', 'code', 'file', 'nothing')),
  claimed text check (claimed in ('valid', 'not_valid', 'undetermined', 'department_document')),
  claimed_at timestamptz,
  file_sha256 sha256_bytes,
  slot slot_number,
  ref ref_bytes,
  department short_text,
  department_uscc text check (char_length(department_uscc) = 18),
  client person_name,
  type_id short_text,
  seal_id short_text,
  area text check (area ~ '^[0-9]{6}$'),
  contact_due timestamptz not null,
  answer_due timestamptz not null,
  calendar_known boolean not null,
  sealed bytea check (octet_length(sealed) between 29 and 8192),
  key_id short_text,
  erased_at timestamptz,
  contacted_at timestamptz,
  closed_at timestamptz,
  outcome text check (outcome in ('corrected', 'corrected_elsewhere', 'unfounded', 'forwarded')),
  told_opened_at timestamptz,
  told_contact_late_at timestamptz,
  told_answer_late_at timestamptz,
  state text not null generated always as (
    case when closed_at is not null then 'closed' when contacted_at is not null then 'acknowledged' else 'open' end) stored,
  reach text generated always as ('answer:' || type_id || ':' || seal_id || ':' || area) stored,
  due timestamptz not null generated always as (
    case when contacted_at is null then least(contact_due, answer_due) else answer_due end) stored,
  foreign key (slot, ref) references certificate,
  constraint a_certificate_has_its_slot check ((slot is null) = (ref is null)),
  constraint whose_scopes_reach_it_is_known check (num_nulls(type_id, seal_id, area) in (0, 3)
    and (type_id is null or ref is not null)),
  constraint what_is_encrypted_has_its_key check ((sealed is null) = (key_id is null)
    and (sealed is null) = (erased_at is not null)),
  constraint what_is_closed_has_an_outcome check ((closed_at is null) = (outcome is null)
    and (closed_at is null or contacted_at is not null)),
  constraint nothing_comes_before_the_report check (least(contact_due, answer_due, contacted_at, closed_at) >= opened_at)
);

comment on table problem_report is 'what strangers report as wrong, missing or suspicious, and until when who answers';
comment on column problem_report.token is 'SHA-256 of the token of the form that was sent: sent twice it is one report';
comment on column problem_report.claimed is 'the verdict that the reporter''s page showed, as the reporter says';
comment on column problem_report.department is 'who answers; null: the operator';
comment on column problem_report.client is 'the client that answers, beside those whose scopes reach the certificate';
comment on column problem_report.calendar_known is 'whether the holidays of every year that was counted through are known';
comment on column problem_report.sealed is 'the words and how to reach the reporter, encrypted until they are erased';
comment on column problem_report.reach is 'what a scope must cover to answer it: a column, so that it has statistics';
comment on column problem_report.due is 'of what has to be done next';

create index problem_report_pending on problem_report (due, number) where closed_at is null;
create index problem_report_closed on problem_report (due, number) where closed_at is not null;
create index problem_report_by_time on problem_report (opened_at);
create index problem_report_untold on problem_report (opened_at) where told_opened_at is null;
create index problem_report_contact_late on problem_report (contact_due)
  where contacted_at is null and told_contact_late_at is null;
create index problem_report_answer_late on problem_report (answer_due)
  where closed_at is null and told_answer_late_at is null;
create index problem_report_to_erase on problem_report (closed_at) where sealed is not null and closed_at is not null;

create table problem_report_event (
  number text not null references problem_report,
  id bigint generated always as identity,
  act text not null check (act in ('acknowledge', 'close')),
  at timestamptz not null,
  actor short_text not null,
  client person_name not null,
  key short_text not null,
  digest sha256_bytes not null,
  said long_text,
  outcome text check (outcome in ('corrected', 'corrected_elsewhere', 'unfounded', 'forwarded')),
  forwarded_to short_text,
  slot slot_number,
  life_ref ref_bytes,
  event_id bigint,
  primary key (number, id),
  unique (client, key),
  unique (number, act),
  foreign key (slot, life_ref, event_id) references event (slot, ref, id),
  constraint an_end_has_an_outcome_and_words check ((act = 'close') = (outcome is not null)
    and (act <> 'close' or said is not null)),
  constraint a_correction_is_an_event check ((outcome is not distinct from 'corrected') = (event_id is not null)
    and num_nulls(slot, life_ref, event_id) in (0, 3)),
  constraint who_it_goes_to_is_named check ((outcome is not distinct from 'forwarded') = (forwarded_to is not null))
);

comment on table problem_report_event is 'what who answers did with a report, once each; what it says is public';
comment on column problem_report_event.event_id is 'the entry in the life of a certificate that corrected it';

create index problem_report_event_of_certificate on problem_report_event (slot, life_ref, event_id)
  where event_id is not null;

create function guard_problem_report() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  may_change constant text[] := array['sealed', 'key_id', 'erased_at', 'contacted_at', 'closed_at', 'outcome',
    'told_opened_at', 'told_contact_late_at', 'told_answer_late_at', 'state', 'reach', 'due'];
  once constant text[] := array['erased_at', 'contacted_at', 'closed_at', 'outcome', 'told_opened_at',
    'told_contact_late_at', 'told_answer_late_at'];
begin
  if to_jsonb(old) - may_change is distinct from to_jsonb(new) - may_change
    or (old.sealed is null and new.sealed is not null)
    or exists (
      select from unnest(once) as name
      where to_jsonb(old) -> name <> 'null' and to_jsonb(old) -> name is distinct from to_jsonb(new) -> name) then
    raise exception 'a report on record does not change: it is answered, told of and erased, once each'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_problem_report_event() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.event_id is not null and not exists (
    select from problem_report report
    join event on event.slot = new.slot and event.ref = new.life_ref and event.id = new.event_id
    join certificate corrected on corrected.slot = new.slot and corrected.ref = new.life_ref
    left join certificate about on about.slot = report.slot and about.ref = report.ref
    where report.number = new.number and event.recorded_at >= report.opened_at
      and (about.ref is null or (corrected.slot, corrected.root_ref) = (about.slot, about.root_ref))) then
    raise exception 'this entry is older than the report, or of another business' using errcode = 'check_violation',
      constraint = 'a_correction_is_of_what_was_reported';
  end if;
  return new;
end
$$;

create trigger guard_problem_report before update on problem_report
  for each row execute function guard_problem_report();
create trigger guard_problem_report_event before insert on problem_report_event
  for each row execute function guard_problem_report_event();
create trigger keep before delete on problem_report for each row execute function refuse_change();
create trigger keep before update or delete on problem_report_event for each row execute function refuse_change();
create trigger keep_all before truncate on problem_report for each statement execute function refuse_change();
create trigger keep_all before truncate on problem_report_event for each statement execute function refuse_change();

create function report_of_token(asked bytea) returns table (number text, digest bytea)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  begin atomic
    select report.number, report.digest from problem_report report where report.token = asked;
  end;

create function followed_report(asked text) returns table (
    opened_at timestamptz, kind text, source text, claimed text, claimed_at timestamptz, slot smallint, ref bytea,
    department text, contact_due timestamptz, answer_due timestamptz, calendar_known boolean, contacted_at timestamptz,
    closed_at timestamptz, outcome text, first_said text, said text, forwarded_to text, corrected bytea)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  begin atomic
    select report.opened_at, report.kind, report.source, report.claimed, report.claimed_at, report.slot, report.ref,
      report.department, report.contact_due, report.answer_due, report.calendar_known, report.contacted_at,
      report.closed_at, report.outcome, contact.said, answer.said, answer.forwarded_to, newest.ref
    from problem_report report
    left join problem_report_event contact on contact.number = report.number and contact.act = 'acknowledge'
    left join problem_report_event answer on answer.number = report.number and answer.act = 'close'
    left join lateral (
      select one.ref from certificate one
      where one.slot = answer.slot and one.life_ref = answer.life_ref and one.issued_at is not null
      order by one.version desc limit 1) newest on true
    where report.number = asked;
  end;

create function report_figures(since timestamptz, until timestamptz, by_kind boolean) returns table (
    name text, reports bigint, pending bigint, late bigint, contact_judged bigint, contact_in_time bigint,
    answer_judged bigint, answer_in_time bigint, median_contact interval, median_answer interval, oldest timestamptz)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  begin atomic
    select case when by_kind then report.kind else report.department end, count(*),
      count(*) filter (where report.closed_at is null),
      count(*) filter (where report.closed_at is null and report.due < until),
      count(*) filter (where report.contacted_at is not null or report.contact_due < until),
      count(*) filter (where report.contacted_at <= report.contact_due),
      count(*) filter (where report.closed_at is not null or report.answer_due < until),
      count(*) filter (where report.closed_at <= report.answer_due),
      percentile_cont(0.5) within group (order by report.contacted_at - report.opened_at),
      percentile_cont(0.5) within group (order by report.closed_at - report.opened_at),
      min(report.opened_at) filter (where report.closed_at is null)
    from problem_report report
    where report.opened_at >= since or report.closed_at is null
    group by 1
    order by 4 desc, 3 desc, 1;
  end;

comment on function followed_report is 'what who has the number may see: no words, no contact, and no number of another';
comment on function report_figures is 'how fast answers are: by department, or by kind of problem';

create view public_correction as
  select slot, life_ref as ref, event_id from problem_report_event where event_id is not null;

comment on view public_correction is 'the entries in lives that corrected what was reported';

grant select on public_correction to certsvc_public;

-- What the desk may do: put a report on record, follow one whose number or token it is given, and nothing else.

revoke execute on function report_of_token, followed_report, report_figures from public;
grant execute on function report_of_token, followed_report, report_figures to certsvc_desk;
grant insert (number, token, digest, opened_at, kind, source, claimed, claimed_at, file_sha256, slot, ref, department,
  department_uscc, client, type_id, seal_id, area, contact_due, answer_due, calendar_known, sealed, key_id)
  on problem_report to certsvc_desk;
grant select (slot, ref, life_ref, version, issued_at, type_id, seal_id, issuer_name, issuer_uscc)
  on certificate to certsvc_desk;
grant select (id, zh, en, client, organisation) on source to certsvc_desk;
grant select (id, fingerprint, ended_at) on data_key to certsvc_desk;
