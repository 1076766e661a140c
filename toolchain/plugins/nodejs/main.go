// Package nodejs is the plugin pulumi-language-nodejs, which runs a Pulumi program in Node.js for the engine, and
// pulumi-resource-pulumi-nodejs, which starts the provider of dynamic resources.
//
// It keeps to the contract of the official language host towards both sides: the engine's LanguageRuntime service and
// the arguments and environment of @pulumi/pulumi/cmd/run. Towards the time a preview takes it differs: the program
// talks to the engine directly instead of through a forwarding server, and nothing is asked of a child process that
// can be read from a file.
package nodejs

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"google.golang.org/grpc"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Main serves the language host until the engine ends it and returns the exit code.
func Main() int {
	var tracing string
	flag.StringVar(&tracing, "tracing", "", "Zipkin-compatible endpoint that the program sends its traces to")
	runtime := flag.String("runtime", "nodejs", "the runtime to host; only nodejs is supported")
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Parse()

	if *showVersion {
		fmt.Println(hostVersion)
		return 0
	}
	if *runtime != "nodejs" {
		return fail(fmt.Errorf("runtime %q is not supported by this language host: set `runtime: nodejs` in Pulumi.yaml", *runtime))
	}
	logging.InitLogging(false, 0, false)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cancel := make(chan bool)
	go func() {
		<-ctx.Done()
		close(cancel)
	}()

	host := newHost(flag.Arg(0), tracing, stop)
	if host.engineAddress != "" {
		if err := host.watchEngine(); err != nil {
			return fail(err)
		}
	}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
		Options: rpcutil.TracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return fail(fmt.Errorf("start the language host's server: %w", err))
	}

	// The engine reads the port from the first line.
	fmt.Printf("%d\n", handle.Port)
	if err := <-handle.Done; err != nil {
		return fail(fmt.Errorf("the language host stopped serving: %w", err))
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "pulumi-language-nodejs: %v\n", err)
	return 1
}
