"""Error bars and p-values of comparisons."""
