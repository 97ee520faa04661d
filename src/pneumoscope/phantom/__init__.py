"""Room phantom."""
