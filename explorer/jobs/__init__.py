"""What runs on the cluster: kinds of jobs, the engine that orders them, the workers that do them."""
