-- 0029_handing_out: to be filled in
select;
