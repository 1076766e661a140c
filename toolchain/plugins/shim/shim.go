// Package shim reaches the upstream Terraform provider, which keeps its constructor in an internal package.
// A module nested under the provider's own module path is allowed to import it.
package shim

import (
	"context"
	"fmt"

	"github.com/docker/docker/client"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns the upstream provider as it would report itself at the given version, less its
// idle waits and a false difference.
func NewProvider(version string) *schema.Provider {
	upstream := provider.New(version)()
	withStablePortOrder(upstream.ResourcesMap["docker_container"])
	withoutNetworkWaits(upstream.ResourcesMap["docker_network"])
	withoutVolumeWaits(upstream.ResourcesMap["docker_volume"])
	return upstream
}

// newClient returns the client for the engine that the provider is configured for.
func newClient(ctx context.Context, d *schema.ResourceData, meta any) (*client.Client, error) {
	connected, err := meta.(*provider.ProviderConfig).MakeClient(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("failed to create Docker client: %w", err)
	}
	return connected, nil
}
