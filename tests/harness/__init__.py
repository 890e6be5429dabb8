"""What the tests stand on: real servers, a database for each need, clients, whole systems and a browser."""
