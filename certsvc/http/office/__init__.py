"""The department API: what departments' systems, and persons who approve, ask for."""
