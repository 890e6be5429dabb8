"""Two people for one decision: the command is stored as asked, another looks at what it will do, and it runs once."""
