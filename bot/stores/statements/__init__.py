"""What the store does, one unit of work a function, the same on every plug; split by trade."""
