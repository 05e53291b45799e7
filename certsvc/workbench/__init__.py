"""The workbench of those who define certificate types: start one, look at it, publish it. No programmer is needed."""
