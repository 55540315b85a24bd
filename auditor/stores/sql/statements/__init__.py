"""SQL as text: in the code, under names, and in files."""
