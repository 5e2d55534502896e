"""From what users pass to layers that the compiled core reads."""
