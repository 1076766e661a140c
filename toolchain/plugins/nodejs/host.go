package nodejs

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"rewind.dev/toolchain/plugins/parent"
)

// hostVersion is the version of the SDK that the contract was taken from.
const hostVersion = "3.256.0"

// host implements the engine's LanguageRuntime service for Node.js.
// What it leaves out (code generation, packing, plugins written in TypeScript) answers "unimplemented".
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	engineAddress string
	tracing       string
	// stop ends the server, and with it the process.
	stop context.CancelFunc

	// running is cancelled by the engine's Cancel call; programs are started under it.
	running context.Context
	cancel  context.CancelFunc
}

func newHost(engineAddress, tracing string, stop context.CancelFunc) *host {
	running, cancel := context.WithCancel(context.Background())
	return &host{engineAddress: engineAddress, tracing: tracing, stop: stop, running: running, cancel: cancel}
}

// watchEngine ends the host when its engine no longer answers.
func (h *host) watchEngine() error {
	return parent.Watch(h.running, h.engineAddress, func() {
		h.cancel()
		h.stop()
	})
}

// Handshake tells the host which engine it works for.
func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engineAddress = req.GetEngineAddress()
	if err := h.watchEngine(); err != nil {
		return nil, err
	}
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo reports the host's version.
func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: hostVersion}, nil
}

// Cancel interrupts the running program.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.cancel()
	return &emptypb.Empty{}, nil
}

// RuntimeOptionsPrompts asks for nothing: every option has a default.
func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Template changes nothing in a new project.
func (h *host) Template(context.Context, *pulumirpc.TemplateRequest) (*pulumirpc.TemplateResponse, error) {
	return &pulumirpc.TemplateResponse{}, nil
}
