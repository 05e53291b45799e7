-- 0034_sittings: to be filled in
select;
