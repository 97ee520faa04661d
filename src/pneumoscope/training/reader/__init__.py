"""The reader that ships: its material, its networks, their training in stages, and its export."""
