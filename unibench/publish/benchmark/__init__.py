"""The benchmark dataset: the subsets that may be redistributed, as parquet."""
