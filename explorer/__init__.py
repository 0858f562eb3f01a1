"""Loss Explorer: which loss, and which sequence of losses, gives the recall and precision a job needs."""
