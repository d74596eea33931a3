"""Fills a compacted topic from a file: what the file says, what the topic has more, and writing it."""
