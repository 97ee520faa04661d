"""What a sealed model was measured to be, on scores, maps and changed images: its evidence."""
