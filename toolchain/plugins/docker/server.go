package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// imageType is the one resource of the official plugin that is not bridged: its own BuildKit front end.
const imageType = "docker:index/image:Image"

// cancelGrace is how long operations may go on after the engine asked to stop. A request that is under way should end
// by itself, or a container would exist that no state knows; a wait for health or for an image should not hold anyone up.
const cancelGrace = 10 * time.Second

// server is the bridge with what it lacks: secrets that stay secret one by one, a clear refusal of docker.Image, and an end
// to waiting when the user cancels.
type server struct {
	pulumirpc.ResourceProviderServer

	// ended is done when what is still running has to end.
	ended context.Context
	end   context.CancelFunc
	// grace starts once, with the first Cancel.
	grace sync.Once
}

func newServer(bridge pulumirpc.ResourceProviderServer) *server {
	ended, end := context.WithCancel(context.Background())
	return &server{ResourceProviderServer: bridge, ended: ended, end: end}
}

// Cancel gives running operations cancelGrace to end.
func (s *server) Cancel(ctx context.Context, req *emptypb.Empty) (*emptypb.Empty, error) {
	s.grace.Do(func() { time.AfterFunc(cancelGrace, s.end) })
	return s.ResourceProviderServer.Cancel(ctx, req)
}

// Configure sets the provider up. It accepts secrets because secrets.go marks them in what the bridge answers.
func (s *server) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	resp, err := s.ResourceProviderServer.Configure(ctx, req)
	if resp != nil {
		resp.AcceptSecrets = true
	}
	return resp, maskSecrets(err, req.GetArgs())
}

// Check completes a resource's inputs, and refuses docker.Image before anything is planned.
func (s *server) Check(ctx context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if err := refuseImage(req.GetUrn()); err != nil {
		return nil, err
	}
	resp, err := s.ResourceProviderServer.Check(ctx, req)
	markSecrets(resp.GetInputs(), req.GetNews())
	for _, failure := range resp.GetFailures() {
		failure.Reason = maskText(failure.GetReason(), req.GetNews())
	}
	return resp, maskSecrets(err, req.GetNews())
}

// Diff compares a resource's state with new inputs.
func (s *server) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	resp, err := s.ResourceProviderServer.Diff(ctx, req)
	return resp, maskSecrets(err, req.GetNews(), req.GetOlds())
}

// Read reads a resource, and refuses docker.Image, which an import or a refresh of another stack's state may bring.
func (s *server) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if err := refuseImage(req.GetUrn()); err != nil {
		return nil, err
	}
	resp, err := until(s, ctx, req, s.ResourceProviderServer.Read)
	markSecrets(resp.GetProperties(), req.GetInputs(), req.GetProperties())
	markSecrets(resp.GetInputs(), req.GetInputs())
	return resp, maskSecrets(err, req.GetInputs(), req.GetProperties())
}

// Create creates a resource.
func (s *server) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	resp, err := until(s, ctx, req, s.ResourceProviderServer.Create)
	markSecrets(resp.GetProperties(), req.GetProperties())
	return resp, maskSecrets(err, req.GetProperties())
}

// Update changes a resource in place.
func (s *server) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	resp, err := until(s, ctx, req, s.ResourceProviderServer.Update)
	markSecrets(resp.GetProperties(), req.GetNews())
	return resp, maskSecrets(err, req.GetNews(), req.GetOlds())
}

// Delete removes a resource.
func (s *server) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	resp, err := until(s, ctx, req, s.ResourceProviderServer.Delete)
	return resp, maskSecrets(err, req.GetProperties())
}

// until runs an operation that ends with the request or with the server, whichever comes first.
func until[Q, R any](s *server, ctx context.Context, req Q, run func(context.Context, Q) (R, error)) (R, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	return run(ctx, req)
}

func refuseImage(urn string) error {
	if string(resource.URN(urn).Type()) != imageType {
		return nil
	}
	return fmt.Errorf("%s is not supported by this build of the docker plugin: "+
		"build the image with `docker compose build` or `docker build` and name it in docker.Container or docker.RemoteImage, "+
		"or install the official plugin with `pulumi plugin install resource docker %s`", imageType, Version)
}
