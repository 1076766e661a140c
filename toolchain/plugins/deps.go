//go:build tools

package main

import (
	_ "github.com/jackc/pgx/v5"
	_ "github.com/pulumi/pulumi-go-provider"
	_ "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	_ "github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	_ "github.com/terraform-providers/terraform-provider-docker/shim"
)
