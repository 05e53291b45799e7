-- 0031_confirmed_openings: to be filled in
select;
