"""What `functional_vs_stateful.py` asks of the designs, a file for each kind of question."""
