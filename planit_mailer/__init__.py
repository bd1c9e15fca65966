"""planit_mailer: what schools email becomes Your School Data."""

__version__ = "0.1.0"
