"""What is served to the outside by HTTP."""
