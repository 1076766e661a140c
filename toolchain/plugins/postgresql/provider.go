// Package postgresql is the Pulumi plugin `postgresql`: Role, Database, Schema, Extension and Grant, with the tokens,
// properties, ids and behaviour of the official plugin of the same version. All else that the official plugin has is
// refused by name.
package postgresql

import (
	"context"
	"sync/atomic"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/middleware/cancel"

	"rewind.dev/toolchain/plugins/serve"
)

// The plugin's name and version, as in pulumi-resource-<name>-v<version>.
const (
	Name    = "postgresql"
	Version = "3.18.1"
)

// New makes the plugin.
func New() serve.Plugin {
	return serve.Plugin{Name: Name, Version: Version, Provider: newProvider()}
}

func newProvider() provider.Provider {
	var configured atomic.Pointer[server]
	// Without configuration the environment and the defaults decide, as when every field is left out.
	current := func() (*server, error) {
		if srv := configured.Load(); srv != nil {
			return srv, nil
		}
		cfg, err := newConfig(values{})
		if err != nil {
			return nil, err
		}
		configured.CompareAndSwap(nil, newServer(cfg))
		return configured.Load(), nil
	}

	return cancel.Wrap(provider.Provider{
		GetSchema:   getSchema,
		CheckConfig: checkConfig,
		DiffConfig:  diffConfig,
		Configure: func(_ context.Context, req provider.ConfigureRequest) error {
			cfg, err := newConfig(decodeConfig(req.Args))
			if err != nil {
				return err
			}
			configured.Store(newServer(cfg))
			return nil
		},
		Invoke: func(_ context.Context, req provider.InvokeRequest) (provider.InvokeResponse, error) {
			_, err := typeOf(string(req.Token))
			return provider.InvokeResponse{}, err
		},
		Check: func(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return provider.CheckResponse{
					Inputs: req.Inputs, Failures: []provider.CheckFailure{{Reason: err.Error()}},
				}, nil
			}
			return r.check(req)
		},
		Diff: func(_ context.Context, req provider.DiffRequest) (provider.DiffResponse, error) {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return provider.DiffResponse{}, err
			}
			return r.diff(req), nil
		},
		Create: func(ctx context.Context, req provider.CreateRequest) (provider.CreateResponse, error) {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return provider.CreateResponse{}, err
			}
			srv, err := current()
			if err != nil {
				return provider.CreateResponse{}, err
			}
			return r.doCreate(ctx, srv, req)
		},
		Read: func(ctx context.Context, req provider.ReadRequest) (provider.ReadResponse, error) {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return provider.ReadResponse{}, err
			}
			srv, err := current()
			if err != nil {
				return provider.ReadResponse{}, err
			}
			return r.doRead(ctx, srv, req)
		},
		Update: func(ctx context.Context, req provider.UpdateRequest) (provider.UpdateResponse, error) {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return provider.UpdateResponse{}, err
			}
			srv, err := current()
			if err != nil {
				return provider.UpdateResponse{}, err
			}
			return r.doUpdate(ctx, srv, req)
		},
		Delete: func(ctx context.Context, req provider.DeleteRequest) error {
			r, err := typeOf(string(req.Urn.Type()))
			if err != nil {
				return err
			}
			srv, err := current()
			if err != nil {
				return err
			}
			return r.remove(ctx, srv, values{req.Properties})
		},
	})
}
