package shim

import (
	"context"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// withoutVolumeWaits replaces upstream's removal of a volume, which sleeps two seconds before its first try.
func withoutVolumeWaits(resource *schema.Resource) {
	resource.DeleteContext = deleteVolume
}

func deleteVolume(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
	client, err := newClient(ctx, d, meta)
	if err != nil {
		return diag.FromErr(err)
	}
	return removeWhenFree(ctx, d, "volume", "volume is in use", func() error {
		return client.VolumeRemove(ctx, d.Id(), true)
	})
}
