"""What differs between senders of webhooks: where the signature, the event and the delivery's id stand."""
