"""The Hub: what is read of it, how files are sent, and what its errors mean."""
