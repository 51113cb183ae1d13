"""What a farm had in Flamenco, carried over."""
