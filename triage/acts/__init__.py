"""What a person does to messages and to the service, without any page: used by pages and commands alike."""
