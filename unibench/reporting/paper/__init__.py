"""The figures and tables of the UniversalNER paper, from printed figures and runs."""
