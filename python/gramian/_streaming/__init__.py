"""Samples that come in batches."""
