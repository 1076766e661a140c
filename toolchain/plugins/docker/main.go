package docker

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"rewind.dev/toolchain/plugins/parent"
)

// schema is written by gen, so that no schema has to be derived while the engine waits for the plugin.
//
//go:generate go run ./gen schema.json
//go:embed schema.json
var schema []byte

// gcPercent trades memory, of which a short-lived plugin needs little, for a third of the time of a diff.
const gcPercent = 400

// Main serves the plugin until the engine ends it and returns the exit code.
func Main() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := provider.MainContext(ctx, packageName, func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		if host != nil {
			if err := parent.Watch(ctx, host.EngineConn().Target(), cancel); err != nil {
				return nil, err
			}
		}
		return NewServer(host), nil
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-docker: %v\n", err)
		return 1
	}
	return 0
}

// NewServer returns the plugin's provider server.
//
// Upstream logs what it inspects, line by line, the environment of containers with all passwords in it. The bridge would
// send each line to the engine, which shows them under --debug: 300 calls for a container read. So it gets the host to log
// to only where TF_LOG asks for that log. It has nothing else to say: upstream gives no warnings.
func NewServer(host *provider.HostClient) pulumirpc.ResourceProviderServer {
	if os.Getenv("TF_LOG") == "" {
		host = nil
	}
	info := Info()
	info.P.InitLogging(context.Background())
	return newServer(tfbridge.NewProvider(context.Background(), host, packageName, Version, info.P, info, schema))
}
