-- 0035_handover_rights: to be filled in
select;
