"""What recordings of a real server are good for beyond an audit: latencies that are learned from them."""
