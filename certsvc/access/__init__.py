"""Who calls: assertions that clients sign, and the access tokens they get for them."""
