package command

import (
	"context"
	"fmt"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// remoteTypes are the resources of the official plugin that this one does not have.
var remoteTypes = map[string]bool{
	"command:remote:Command":      true,
	"command:remote:CopyFile":     true,
	"command:remote:CopyToRemote": true,
}

// refuseRemote answers every request about a remote resource with an error that names it.
func refuseRemote(p provider.Provider) provider.Provider {
	next := p
	p.Check = func(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
		if err := refusal(req.Urn); err != nil {
			return provider.CheckResponse{
				Inputs: req.Inputs, Failures: []provider.CheckFailure{{Reason: err.Error()}},
			}, nil
		}
		return next.Check(ctx, req)
	}
	p.Diff = func(ctx context.Context, req provider.DiffRequest) (provider.DiffResponse, error) {
		if err := refusal(req.Urn); err != nil {
			return provider.DiffResponse{}, err
		}
		return next.Diff(ctx, req)
	}
	p.Create = func(ctx context.Context, req provider.CreateRequest) (provider.CreateResponse, error) {
		if err := refusal(req.Urn); err != nil {
			return provider.CreateResponse{}, err
		}
		return next.Create(ctx, req)
	}
	p.Read = func(ctx context.Context, req provider.ReadRequest) (provider.ReadResponse, error) {
		if err := refusal(req.Urn); err != nil {
			return provider.ReadResponse{}, err
		}
		return next.Read(ctx, req)
	}
	p.Update = func(ctx context.Context, req provider.UpdateRequest) (provider.UpdateResponse, error) {
		if err := refusal(req.Urn); err != nil {
			return provider.UpdateResponse{}, err
		}
		return next.Update(ctx, req)
	}
	p.Delete = func(ctx context.Context, req provider.DeleteRequest) error {
		if err := refusal(req.Urn); err != nil {
			return err
		}
		return next.Delete(ctx, req)
	}
	return p
}

func refusal(urn resource.URN) error {
	token := string(urn.Type())
	if !remoteTypes[token] {
		return nil
	}
	return fmt.Errorf("%s (resource %q) is not supported: this build of the command plugin runs local commands only. "+
		"Use command:local:Command with ssh or scp, or install the official plugin in its place with "+
		"`pulumi plugin install resource %s %s --reinstall`", token, urn.Name(), Name, Version)
}
