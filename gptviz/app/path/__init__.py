"""The path of a prompt through the network, as a picture."""
