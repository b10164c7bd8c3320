//go:build !old_client

package main

import "go.temporal.io/sdk/client"

func dial(options client.Options) (client.Client, error) { return client.Dial(options) }
