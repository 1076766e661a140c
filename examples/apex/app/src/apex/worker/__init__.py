"""The worker: takes jobs from the queue, has them calculated and stores what came out."""
