"""What a machine needs to run the service; ``deploy.papers`` makes the pages and lists that are made."""
