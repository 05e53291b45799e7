"""The village: residents choose a proof and ask for it, and those who handle it sign in."""
