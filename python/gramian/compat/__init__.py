"""Adapters to other libraries, each a module that imports its library."""
