-- 0028_evidence: to be filled in
select;
