"""The customer tables: both compacted topics as rows in LMDB, who follows them, and when they may be decided by."""
