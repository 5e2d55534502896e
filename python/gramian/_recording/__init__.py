"""From live models of PyTorch to layers: hooks, what becomes of outputs, and where they go."""
