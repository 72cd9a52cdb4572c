"""Claims due runs, performs them, gives them back."""
