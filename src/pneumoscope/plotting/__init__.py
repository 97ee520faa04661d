"""One style and one set of marks for every static figure."""
