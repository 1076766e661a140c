package shim

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// withStablePortOrder takes the same ports in another order for the same. The engine returns several bindings of one
// port in reverse, which upstream takes for a change: such a container would be replaced in every update. They are kept
// in the order in which they were declared; a state that the official plugin left may have them in the engine's.
func withStablePortOrder(resource *schema.Resource) {
	create, read := resource.CreateContext, resource.ReadContext
	resource.CreateContext = keepPortOrder(create)
	resource.ReadContext = keepPortOrder(read)

	list := resource.Schema["ports"]
	suppressed := list.DiffSuppressFunc
	list.DiffSuppressFunc = func(key, before, after string, d *schema.ResourceData) bool {
		return suppressed(key, before, after, d) || samePorts(d)
	}
}

type operation = func(context.Context, *schema.ResourceData, any) diag.Diagnostics

func keepPortOrder(run operation) operation {
	return func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		declared := ports(d)
		found := run(ctx, d, meta)
		if d.Id() == "" || len(declared) < 2 {
			return found
		}
		if ordered, ok := inOrderOf(declared, ports(d)); ok {
			found = append(found, set(d, map[string]any{"ports": ordered})...)
		}
		return found
	}
}

// samePorts says whether the ports that are declared are those of the state.
func samePorts(d *schema.ResourceData) bool {
	before, after := d.GetChange("ports")
	declared := slices.Clone(after.([]any))
	// Where no host port is declared, the SDK has filled in the one that the state has at that place of the list.
	if raw := d.GetRawConfig(); raw.IsKnown() && !raw.IsNull() {
		list := raw.GetAttr("ports")
		if !list.IsWhollyKnown() || list.IsNull() || list.LengthInt() != len(declared) {
			return false
		}
		for i, port := range list.AsValueSlice() {
			if port.GetAttr("external").IsNull() {
				declared[i] = withoutHostPort(declared[i])
			}
		}
	}
	_, same := inOrderOf(declared, before.([]any))
	return same
}

func ports(d *schema.ResourceData) []any {
	list, _ := d.Get("ports").([]any)
	return list
}

// inOrderOf puts the ports that were found into the order of those that are declared. It is not ok if they are not the
// same ones. A declared port without a host port may have been given any.
func inOrderOf(declared, found []any) (ordered []any, ok bool) {
	if len(declared) != len(found) {
		return nil, false
	}
	ordered, left := make([]any, len(declared)), slices.Clone(found)
	for _, anyHostPort := range []bool{false, true} {
		for i, wanted := range declared {
			if (field(wanted, "external") == 0) != anyHostPort {
				continue
			}
			at := slices.IndexFunc(left, func(port any) bool { return isPort(port, wanted, anyHostPort) })
			if at < 0 {
				return nil, false
			}
			ordered[i] = left[at]
			left = slices.Delete(left, at, at+1)
		}
	}
	return ordered, true
}

func isPort(port, wanted any, anyHostPort bool) bool {
	same := func(name string) bool { return field(port, name) == field(wanted, name) }
	return same("internal") && same("ip") && same("protocol") && (anyHostPort || same("external"))
}

func field(port any, name string) any {
	fields, _ := port.(map[string]any)
	return fields[name]
}

func withoutHostPort(port any) any {
	return map[string]any{
		"internal": field(port, "internal"), "ip": field(port, "ip"), "protocol": field(port, "protocol"), "external": 0,
	}
}
