package plugintest

import (
	"context"
	"testing"

	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// ReadWithin reads the resource with a context for the request and leaves the kept state as it is.
func (r *Resource) ReadWithin(t testing.TB, ctx context.Context) (exists bool, err error) {
	t.Helper()
	resp, err := r.plugin.Read(ctx, &rpc.ReadRequest{
		Id: r.ID, Urn: r.urn, Properties: marshal(t, r.State), Inputs: marshal(t, r.Inputs),
	})
	return resp.GetId() != "", err
}
