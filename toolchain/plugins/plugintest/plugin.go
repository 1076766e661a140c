// Package plugintest drives a plugin in tests the way the Pulumi engine does: over gRPC, with a log service behind it.
package plugintest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"rewind.dev/toolchain/plugins/serve"
)

// Plugin is a running plugin.
type Plugin struct {
	rpc.ResourceProviderClient
	engine *engine
}

// Start serves the plugin on the loopback interface until the test ends, and shakes hands with it.
func Start(t testing.TB, plugin serve.Plugin) *Plugin {
	t.Helper()
	engine := &engine{}
	engineAddress := listen(t, func(s *grpc.Server) { rpc.RegisterEngineServer(s, engine) })
	server, err := plugin.Server(nil)
	if err != nil {
		t.Fatal(err)
	}
	address := listen(t, func(s *grpc.Server) { rpc.RegisterResourceProviderServer(s, server) })
	client := rpc.NewResourceProviderClient(Dial(t, address))
	if _, err := client.Handshake(t.Context(), &rpc.ProviderHandshakeRequest{EngineAddress: engineAddress}); err != nil {
		t.Fatal(err)
	}
	return &Plugin{ResourceProviderClient: client, engine: engine}
}

// Log is all that the plugin has logged so far, a message a line.
func (p *Plugin) Log() string {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	return strings.Join(p.engine.messages, "\n")
}

// Call calls a function of the plugin.
func (p *Plugin) Call(t testing.TB, token string, args Map) resource.PropertyMap {
	t.Helper()
	resp, err := p.Invoke(t.Context(), &rpc.InvokeRequest{Tok: token, Args: marshal(t, properties(args))})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.GetFailures()) > 0 {
		t.Fatalf("%s: %v", token, resp.GetFailures())
	}
	return unmarshal(t, resp.GetReturn())
}

// Dial connects to a gRPC server on this machine until the test ends.
func Dial(t testing.TB, address string) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func listen(t testing.TB, register func(*grpc.Server)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// engine is the part of the Pulumi engine that a plugin calls back.
type engine struct {
	rpc.UnimplementedEngineServer
	mu       sync.Mutex
	messages []string
}

func (e *engine) Log(_ context.Context, req *rpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, req.GetMessage())
	return &emptypb.Empty{}, nil
}

// SetUp checks and sets the provider's configuration, as the engine does.
func (p *Plugin) SetUp(t testing.TB, configuration Map) error {
	t.Helper()
	checked, failures := p.CheckSetUp(t, configuration)
	if len(failures) > 0 {
		t.Fatalf("check of the configuration: %v", failures)
	}
	_, err := p.Configure(t.Context(), &rpc.ConfigureRequest{
		Args: marshal(t, checked), AcceptSecrets: true, AcceptResources: true, SendsOldInputs: true,
	})
	return err
}

// CheckSetUp returns the configuration as the plugin completed it, and what is wrong with it by property.
func (p *Plugin) CheckSetUp(t testing.TB, configuration Map) (resource.PropertyMap, map[string]string) {
	t.Helper()
	resp, err := p.CheckConfig(t.Context(), &rpc.CheckRequest{
		Urn: "urn:pulumi:dev::test::pulumi:providers:test::default", News: marshal(t, properties(configuration)),
	})
	if err != nil {
		t.Fatalf("check of the configuration: %v", err)
	}
	failures := map[string]string{}
	for _, failure := range resp.GetFailures() {
		failures[failure.GetProperty()] = failure.GetReason()
	}
	return unmarshal(t, resp.GetInputs()), failures
}

// DiffSetUp compares two configurations.
func (p *Plugin) DiffSetUp(t testing.TB, before, after Map) *rpc.DiffResponse {
	t.Helper()
	resp, err := p.DiffConfig(t.Context(), &rpc.DiffRequest{
		Urn:  "urn:pulumi:dev::test::pulumi:providers:test::default",
		Olds: marshal(t, properties(before)), OldInputs: marshal(t, properties(before)), News: marshal(t, properties(after)),
	})
	if err != nil {
		t.Fatalf("diff of the configuration: %v", err)
	}
	return resp
}
