"""Experiments on tables: CSV and Parquet files and tables of warehouses, with columns named in the descriptor."""
