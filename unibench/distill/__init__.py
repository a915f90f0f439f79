"""From a raw corpus and a teacher to instruction data: five resumable stages."""
