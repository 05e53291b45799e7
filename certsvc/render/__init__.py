"""Type, payload and QR become an unsigned page; a seal's design becomes a picture."""
