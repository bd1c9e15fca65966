"""Find, read and judge the form that schools fill in. Nothing here touches the world outside the process."""
