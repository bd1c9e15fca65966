"""The catalogue of problems that a school can put right."""
