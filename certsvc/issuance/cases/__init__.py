"""Cases: what whoever applies does, what departments decide, and how parts are issued."""
