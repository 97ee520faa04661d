"""Room explain."""
