"""The overview: the path of a prompt through the network."""
