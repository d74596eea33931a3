"""The control log: which cluster is active, decided by records on both clusters and the same for whoever reads them."""
