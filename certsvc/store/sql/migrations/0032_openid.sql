-- 0032_openid: to be filled in
select;
