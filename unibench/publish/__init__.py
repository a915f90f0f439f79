"""From runs and data to the Hugging Face Hub: plans of files, and one sender."""
