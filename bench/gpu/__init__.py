"""What a CUDA device is needed for: `python -m bench.gpu`, see bench/README.md."""
