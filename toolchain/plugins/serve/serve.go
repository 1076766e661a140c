// Package serve runs a provider as a plugin process of the Pulumi engine.
package serve

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	provider "github.com/pulumi/pulumi-go-provider"
	host "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// Plugin is a provider and how it presents itself.
type Plugin struct {
	// Name and Version as in pulumi-resource-<name>-v<version>.
	Name, Version string
	Provider      provider.Provider
	// FrameworkVersion is the version of pulumi-go-provider that the official plugin was built with, "" if with none. It
	// is in the state of an explicit provider: another one would be a change in every preview.
	FrameworkVersion string
}

// Run serves the plugin to the engine that started this process and returns the exit code. When the engine ends the
// plugin, the requests still running are cancelled.
func (p Plugin) Run() int {
	// The engine asks a plugin to end with SIGINT and kills it 5 s later.
	shutdown, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p.Provider = cancelOn(shutdown, p.Provider)
	if err := host.MainContext(shutdown, p.Name, p.Server); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-%s: %s\n", p.Name, err)
		return 1
	}
	return 0
}

// Server makes the plugin's gRPC service. client is the connection back to the engine; it may be nil.
func (p Plugin) Server(client *host.HostClient) (rpc.ResourceProviderServer, error) {
	server, err := provider.RawServer(p.Name, p.Version, p.Provider)(client)
	return presented{server, p.FrameworkVersion}, err
}

// presented is a server with the framework version that the official plugin has.
type presented struct {
	rpc.ResourceProviderServer
	frameworkVersion string
}

const frameworkVersionKey = "__pulumi-go-provider-version"

// CheckConfig is the one place where the framework puts its version.
func (p presented) CheckConfig(ctx context.Context, req *rpc.CheckRequest) (*rpc.CheckResponse, error) {
	resp, err := p.ResourceProviderServer.CheckConfig(ctx, req)
	if inputs := resp.GetInputs().GetFields(); inputs != nil {
		delete(inputs, frameworkVersionKey)
		if p.frameworkVersion != "" {
			inputs[frameworkVersionKey] = structpb.NewStringValue(p.frameworkVersion)
		}
	}
	return resp, err
}

// cancelOn cancels every request that can take long when shutdown ends.
func cancelOn(shutdown context.Context, p provider.Provider) provider.Provider {
	bound := func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(shutdown, cancel)
		return ctx, func() {
			stop()
			cancel()
		}
	}
	next := p
	p.Create = func(ctx context.Context, req provider.CreateRequest) (provider.CreateResponse, error) {
		ctx, release := bound(ctx)
		defer release()
		return next.Create(ctx, req)
	}
	p.Read = func(ctx context.Context, req provider.ReadRequest) (provider.ReadResponse, error) {
		ctx, release := bound(ctx)
		defer release()
		return next.Read(ctx, req)
	}
	p.Update = func(ctx context.Context, req provider.UpdateRequest) (provider.UpdateResponse, error) {
		ctx, release := bound(ctx)
		defer release()
		return next.Update(ctx, req)
	}
	p.Delete = func(ctx context.Context, req provider.DeleteRequest) error {
		ctx, release := bound(ctx)
		defer release()
		return next.Delete(ctx, req)
	}
	p.Invoke = func(ctx context.Context, req provider.InvokeRequest) (provider.InvokeResponse, error) {
		ctx, release := bound(ctx)
		defer release()
		return next.Invoke(ctx, req)
	}
	return p
}
