"""What makers and verifiers of trust must agree on."""

DEMONSTRATION_POLICY = "2.25.268473915180402893647203958119073405217"
"""Certificate policy of a demonstration authority: specimen only, no legal effect. It stands in the X.509
certificates, so that it goes wherever the keys go (an arc under 2.25 needs no registration: ITU-T X.667)."""
