"""Problem 3: architecture details."""
