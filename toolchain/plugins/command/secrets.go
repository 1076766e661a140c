package command

import (
	"context"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"rewind.dev/toolchain/plugins/command/redact"
)

// What a command prints can repeat any secret that it was given.
var printed = []string{"stdout", "stderr"}

// keepSecrets marks what a command printed as secret when one of its inputs is, and masks the secrets of a request in
// logs and errors. The official plugin does neither: it leaves the first to `additionalSecretOutputs` and the second to
// `logging: none`. A secret output is no change in a preview, so the two plugins can still take turns on a stack.
func keepSecrets(p provider.Provider) provider.Provider {
	next := p
	p.Create = func(ctx context.Context, req provider.CreateRequest) (provider.CreateResponse, error) {
		resp, err := next.Create(redact.With(ctx, req.Properties), req)
		if hasSecrets(req.Properties) {
			resp.Properties = markPrinted(resp.Properties)
		}
		return resp, err
	}
	p.Update = func(ctx context.Context, req provider.UpdateRequest) (provider.UpdateResponse, error) {
		resp, err := next.Update(redact.With(ctx, req.State, req.Inputs), req)
		if hasSecrets(req.Inputs) {
			resp.Properties = markPrinted(resp.Properties)
		}
		resp.Properties = keepMarks(req.State, resp.Properties)
		return resp, err
	}
	p.Delete = func(ctx context.Context, req provider.DeleteRequest) error {
		return next.Delete(redact.With(ctx, req.Properties), req)
	}
	p.Invoke = func(ctx context.Context, req provider.InvokeRequest) (provider.InvokeResponse, error) {
		resp, err := next.Invoke(redact.With(ctx, req.Args), req)
		if hasSecrets(req.Args) {
			resp.Return = markPrinted(resp.Return)
		}
		return resp, err
	}
	return p
}

func hasSecrets(m property.Map) bool { return property.New(m).HasSecrets() }

func markPrinted(outputs property.Map) property.Map {
	for _, name := range printed {
		if value, ok := outputs.GetOk(name); ok {
			outputs = outputs.Set(name, value.WithSecret(true))
		}
	}
	return outputs
}

// keepMarks keeps an output secret that the update did not renew: it is still what the earlier run printed.
func keepMarks(state, outputs property.Map) property.Map {
	for _, name := range printed {
		before, after := state.Get(name), outputs.Get(name)
		if before.Secret() && before.Equals(after.WithSecret(true)) {
			outputs = outputs.Set(name, after.WithSecret(true))
		}
	}
	return outputs
}
