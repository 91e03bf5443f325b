"""One file a page: pure functions, and what only they use."""
