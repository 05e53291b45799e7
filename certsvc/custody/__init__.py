"""Private keys by URI: the only folder that opens them."""
