"""From a report to what a verifier's page shows."""
