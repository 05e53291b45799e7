-- name: plan_each
-- What follows in this transaction is planned for its values.
set local plan_cache_mode = force_custom_plan
