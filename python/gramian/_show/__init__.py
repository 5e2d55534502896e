"""Pictures and text maps, of arrays and names."""
