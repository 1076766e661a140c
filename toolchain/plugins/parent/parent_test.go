package parent

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
)

func TestAKilledEngineIsNoticed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine := grpc.NewServer()
	go func() { _ = engine.Serve(listener) }()
	gone, cancel := context.WithCancel(t.Context())
	if err := Watch(t.Context(), listener.Addr().String(), cancel); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone.Done():
		t.Fatal("a running engine counts as gone")
	case <-time.After(interval + time.Second):
	}
	engine.Stop()
	select {
	case <-gone.Done():
	case <-time.After(2*interval + time.Second):
		t.Error("nobody noticed")
	}
}
