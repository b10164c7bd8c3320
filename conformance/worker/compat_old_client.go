//go:build old_client

package main

import "go.temporal.io/sdk/client"

// dial spells client.Dial as SDKs before 1.15 did.
func dial(options client.Options) (client.Client, error) { return client.NewClient(options) }
