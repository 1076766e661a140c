package nodejs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/google/shlex"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const (
	// exitAlreadyReported is the SDK's exit code for "the user has been told what went wrong".
	exitAlreadyReported = 32
	// interruptGrace is how long an interrupted program may take to end before it is killed.
	interruptGrace = 5 * time.Second
)

// Run runs the program to its end. A failure of the program is reported in the response, not as a Go error.
func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if h.engineAddress == "" {
		return nil, errors.New("no engine address: call Handshake, or start the host with one, before Run")
	}
	if req.GetAttachDebugger() {
		return &pulumirpc.RunResponse{
			Error: "attaching a debugger is not supported by this language host: set runtime.options.nodeargs to --inspect-brk instead",
		}, nil
	}
	command, err := h.program(ctx, req)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	return outcome(command.Run()), nil
}

// program returns the command that runs the program; it is interrupted when the engine cancels or goes away.
func (h *host) program(ctx context.Context, req *pulumirpc.RunRequest) (*exec.Cmd, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errNoNode
	}
	opts, err := parseOptions(req.GetInfo().GetOptions())
	if err != nil {
		return nil, err
	}
	args, err := shlex.Split(opts.nodeargs)
	if err != nil {
		return nil, fmt.Errorf("Pulumi.yaml: runtime.options.nodeargs is %q: %w", opts.nodeargs, err)
	}
	module := os.Getenv("PULUMI_LANGUAGE_NODEJS_RUN_PATH")
	if module == "" {
		module = runModule
	}
	script, err := resolveModule(ctx, module, req.GetInfo().GetProgramDirectory())
	if err != nil {
		return nil, err
	}
	env, err := programEnvironment(req, opts)
	if err != nil {
		return nil, err
	}

	either, cancel := context.WithCancel(h.running)
	context.AfterFunc(ctx, cancel)
	command := exec.CommandContext(either, node, append(append(args, script), h.programArguments(req)...)...)
	command.Env = append(os.Environ(), env...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptGrace
	// Wrapped, so that node gets pipes of its own: it may switch them to non-blocking mode.
	command.Stdout = struct{ io.Writer }{os.Stdout}
	command.Stderr = struct{ io.Writer }{os.Stderr}
	return command, nil
}

// programArguments are the arguments of @pulumi/pulumi/cmd/run.
func (h *host) programArguments(req *pulumirpc.RunRequest) []string {
	var args []string
	add := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name, value)
		}
	}
	add("monitor", req.GetMonitorAddress())
	add("engine", h.engineAddress)
	add("organization", req.GetOrganization())
	add("project", req.GetProject())
	add("root-directory", req.GetInfo().GetRootDirectory())
	add("stack", req.GetStack())
	add("pwd", req.GetInfo().GetProgramDirectory())
	if req.GetDryRun() {
		args = append(args, "--dry-run")
	}
	add("parallel", strconv.Itoa(int(req.GetParallel())))
	add("tracing", h.tracing)
	args = append(args, req.GetInfo().GetEntryPoint())
	return append(args, req.GetArgs()...)
}

// programEnvironment is what the program gets beyond the host's own environment: the configuration and options.
func programEnvironment(req *pulumirpc.RunRequest, opts options) ([]string, error) {
	// The SDK's oldest spelling of a key, <namespace>:config:<name>, is the one that all its versions read.
	values := make(map[string]string, len(req.GetConfig()))
	for text, value := range req.GetConfig() {
		key, err := config.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("stack configuration: %w", err)
		}
		values[key.Namespace()+":config:"+key.Name()] = value
	}
	configuration, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	secretKeys := req.GetConfigSecretKeys()
	if secretKeys == nil {
		secretKeys = []string{}
	}
	secrets, err := json.Marshal(secretKeys)
	if err != nil {
		return nil, err
	}
	env := []string{"PULUMI_CONFIG=" + string(configuration), "PULUMI_CONFIG_SECRET_KEYS=" + string(secrets)}
	if opts.typescript {
		env = append(env, "PULUMI_NODEJS_TYPESCRIPT=true")
	}
	if opts.tsconfig != "" {
		env = append(env, "PULUMI_NODEJS_TSCONFIG_PATH="+opts.tsconfig)
	}
	return env, nil
}

// outcome turns the end of the program into the response that the engine shows.
func outcome(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == exitAlreadyReported:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program was ended by a signal: %v", exit)}
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("Program exited with non-zero exit code: %d", exit.ExitCode())}
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program could not be run: %v", err)}
	}
}
