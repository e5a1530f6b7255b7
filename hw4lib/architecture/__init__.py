"""Problem 3: initialization, convolution, attention, positional encoding, graphs."""
