"""The tables of the pages, one function each, from the CSV files beside this folder."""
