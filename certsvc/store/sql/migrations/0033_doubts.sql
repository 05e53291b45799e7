-- 0033_doubts: to be filled in
select;
