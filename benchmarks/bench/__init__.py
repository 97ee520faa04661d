"""One benchmark for all: each row is a ratio against a named peer, measured in the same run, by turns, repeated."""
