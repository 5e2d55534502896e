"""Every layer of one model against every layer of another."""
