"""Records from elsewhere: reported one at a time or listed whole, and how fresh each source is."""
