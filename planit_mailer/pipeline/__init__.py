"""The pipeline: a message from the inbox to the reply. Read polling, intake and delivery first."""
