"""X.509: key ceremony, issuing, CRLs, timestamps."""
