"""The register: the only SQL and the only folder that speaks to PostgreSQL; blobs; the embedded server."""
