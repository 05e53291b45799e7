-- 0030_figures: to be filled in
select;
