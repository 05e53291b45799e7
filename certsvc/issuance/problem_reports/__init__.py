"""Reports of problems: taking them from strangers, and answering them."""
