"""Whose objects a route reaches: ids of the caller's, followed to what they find."""
