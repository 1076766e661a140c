package shim

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// withStablePortOrder keeps the ports of a container in the order in which they were declared as long as they are the
// same ports. The engine returns several bindings of one port in reverse, which upstream takes for a change: such a
// container would be replaced in every update.
func withStablePortOrder(resource *schema.Resource) {
	create, read := resource.CreateContext, resource.ReadContext
	resource.CreateContext = keepPortOrder(create)
	resource.ReadContext = keepPortOrder(read)
}

type operation = func(context.Context, *schema.ResourceData, any) diag.Diagnostics

func keepPortOrder(run operation) operation {
	return func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		before := ports(d)
		found := run(ctx, d, meta)
		if d.Id() != "" && len(before) > 1 && bag(before) == bag(ports(d)) {
			found = append(found, set(d, map[string]any{"ports": before})...)
		}
		return found
	}
}

func ports(d *schema.ResourceData) []any {
	list, _ := d.Get("ports").([]any)
	return list
}

// bag is a text that is the same for the same ports in any order.
func bag(ports []any) string {
	lines := make([]string, 0, len(ports))
	for _, port := range ports {
		fields, _ := port.(map[string]any)
		lines = append(lines, fmt.Sprintf("%v:%v:%v/%v", fields["ip"], fields["external"], fields["internal"], fields["protocol"]))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
