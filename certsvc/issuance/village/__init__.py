"""Village proofs: who has which duty in an organ, and what they and residents do with requests."""
