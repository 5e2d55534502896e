"""Speed and memory against the reference, the usual snippets, named peers and the BLAS floor."""
