"""The rules that a form is checked against, stage by stage."""
