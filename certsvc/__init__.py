"""certsvc: a signing authority for electronic licences, permits and proofs, and their public verifier."""
