"""The measures, a folder for each family, and the table of all of them."""
