package plugintest

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// StartServer is Start for a plugin that implements the gRPC service itself.
func StartServer(t testing.TB, newServer func(*provider.HostClient) rpc.ResourceProviderServer) *Plugin {
	t.Helper()
	engine := &engine{}
	engineAddress := listen(t, func(s *grpc.Server) { rpc.RegisterEngineServer(s, engine) })
	host, err := provider.NewHostClient(engineAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	server := newServer(host)
	address := listen(t, func(s *grpc.Server) { rpc.RegisterResourceProviderServer(s, server) })
	return &Plugin{ResourceProviderClient: rpc.NewResourceProviderClient(Dial(t, address)), engine: engine}
}
