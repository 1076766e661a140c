package nodejs

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// nodeModules holds the real SDK that the programs of these tests run on.
const nodeModules = "../../../node_modules"

// testEngine is the engine's side: it grants every registration and keeps what the program sent and logged.
type testEngine struct {
	pulumirpc.UnimplementedEngineServer
	pulumirpc.UnimplementedResourceMonitorServer
	address string

	mu         sync.Mutex
	registered []*pulumirpc.RegisterResourceRequest
	outputs    *structpb.Struct
	hooks      []string
	logged     []string
}

func (e *testEngine) SupportsFeature(context.Context, *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: true}, nil
}

func (e *testEngine) RegisterResource(_ context.Context, req *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registered = append(e.registered, req)
	return &pulumirpc.RegisterResourceResponse{
		Urn: "urn:pulumi:dev::app::" + req.GetType() + "::" + req.GetName(), Id: "id", Object: req.GetObject(),
	}, nil
}

func (e *testEngine) RegisterResourceOutputs(_ context.Context, req *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outputs = req.GetOutputs()
	return &emptypb.Empty{}, nil
}

func (e *testEngine) RegisterResourceHook(_ context.Context, req *pulumirpc.RegisterResourceHookRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hooks = append(e.hooks, req.GetName())
	return &emptypb.Empty{}, nil
}

func (e *testEngine) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (e *testEngine) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logged = append(e.logged, req.GetMessage())
	return &emptypb.Empty{}, nil
}

func (e *testEngine) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.logged, "\n")
}

func serve(t *testing.T, register func(*grpc.Server)) string {
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

// startHost serves a language host and shakes hands with it on behalf of a test engine.
func startHost(t *testing.T) (pulumirpc.LanguageRuntimeClient, *testEngine) {
	t.Helper()
	engine := &testEngine{}
	engine.address = serve(t, func(s *grpc.Server) {
		pulumirpc.RegisterEngineServer(s, engine)
		pulumirpc.RegisterResourceMonitorServer(s, engine)
	})
	address := serve(t, func(s *grpc.Server) { pulumirpc.RegisterLanguageRuntimeServer(s, newHost("", "", func() {})) })
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	client := pulumirpc.NewLanguageRuntimeClient(connection)
	if _, err := client.Handshake(t.Context(), &pulumirpc.LanguageHandshakeRequest{EngineAddress: engine.address}); err != nil {
		t.Fatal(err)
	}
	return client, engine
}

// project writes a program, with the real SDK beside it, and returns its description.
func project(t *testing.T, program string, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	modules, err := filepath.Abs(nodeModules)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@pulumi", "pulumi")); err != nil {
		t.Fatalf("%s has no Pulumi SDK: run `npm ci`", modules)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "package.json"), `{"name": "app", "main": "index.js"}`)
	write(t, filepath.Join(dir, "index.js"), program)
	if options == nil {
		options = map[string]any{"typescript": false}
	}
	given, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: dir, EntryPoint: ".", Options: given}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, host pulumirpc.LanguageRuntimeClient, engine *testEngine, info *pulumirpc.ProgramInfo) *pulumirpc.RunResponse {
	t.Helper()
	response, err := host.Run(t.Context(), &pulumirpc.RunRequest{
		Organization: "acme", Project: "app", Stack: "dev", Pwd: info.GetProgramDirectory(), Program: ".",
		Config:           map[string]string{"app:greeting": "hello", "app:password": "hush", "app:nested": `{"a":[1,2]}`},
		ConfigSecretKeys: []string{"app:password"},
		DryRun:           true, Parallel: 4, MonitorAddress: engine.address, Info: info,
	})
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestAProgramSeesItsStackAndConfiguration(t *testing.T) {
	host, engine := startHost(t)
	response := run(t, host, engine, project(t, `
		const pulumi = require("@pulumi/pulumi");
		const config = new pulumi.Config("app");
		exports.greeting = config.require("greeting");
		exports.nested = config.requireObject("nested").a[1];
		exports.password = config.requireSecret("password");
		exports.where = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
		exports.preview = pulumi.runtime.isDryRun();
		exports.root = require("path").basename(pulumi.runtime.getRootDirectory()) === require("path").basename(process.cwd());
	`, nil))
	if response.GetError() != "" || response.GetBail() {
		t.Fatalf("%v: %s", response, engine.log())
	}
	outputs := engine.outputs.AsMap()
	password, _ := outputs["password"].(map[string]any)
	if outputs["greeting"] != "hello" || outputs["nested"] != 2.0 || outputs["where"] != "acme/app/dev" ||
		outputs["preview"] != true || outputs["root"] != true || password["value"] != "hush" {
		t.Errorf("%v", outputs)
	}
}

func TestComponentsAndHooksAreRegistered(t *testing.T) {
	host, engine := startHost(t)
	response := run(t, host, engine, project(t, `
		const pulumi = require("@pulumi/pulumi");
		const hook = new pulumi.ResourceHook("ready", async () => {});
		class Service extends pulumi.ComponentResource {
			constructor(name) { super("rewind:compose:Service", name, {}, { hooks: { afterCreate: [hook] } }); this.registerOutputs({}); }
		}
		new Service("api");
	`, nil))
	if response.GetError() != "" {
		t.Fatalf("%v: %s", response, engine.log())
	}
	var types []string
	for _, request := range engine.registered {
		types = append(types, request.GetType())
	}
	sort.Strings(types)
	if strings.Join(types, " ") != "pulumi:pulumi:Stack rewind:compose:Service" || strings.Join(engine.hooks, " ") != "ready" {
		t.Errorf("resources %v, hooks %v", types, engine.hooks)
	}
}

func TestAnExceptionIsReportedOnceByTheProgram(t *testing.T) {
	host, engine := startHost(t)
	// Without the SDK's source maps: with them Node 20.20 takes a minute to print a stack (see the README).
	response := run(t, host, engine, project(t, `
		delete Error.prepareStackTrace;
		throw new Error("the compose file is missing");
	`, nil))
	if !response.GetBail() || response.GetError() != "" {
		t.Errorf("%v", response)
	}
	if !strings.Contains(engine.log(), "the compose file is missing") {
		t.Errorf("the engine was told: %s", engine.log())
	}
}

func TestAnExitCodeOfTheProgramsOwnIsNamed(t *testing.T) {
	host, engine := startHost(t)
	response := run(t, host, engine, project(t, `process.exit(7);`, nil))
	if response.GetBail() || !strings.Contains(response.GetError(), "exit code: 7") {
		t.Errorf("%v", response)
	}
}

func TestNodeGetsItsArguments(t *testing.T) {
	host, engine := startHost(t)
	response := run(t, host, engine, project(t, `exports.limit = process.execArgv.join(" ");`,
		map[string]any{"typescript": false, "nodeargs": "--max-old-space-size=128 --no-warnings"}))
	if response.GetError() != "" {
		t.Fatal(response)
	}
	if limit := engine.outputs.AsMap()["limit"]; limit != "--max-old-space-size=128 --no-warnings" {
		t.Errorf("%v", limit)
	}
}

func TestCancelInterruptsTheProgram(t *testing.T) {
	host, engine := startHost(t)
	info := project(t, `require("fs").writeFileSync("started", ""); setInterval(() => {}, 1000);`, nil)
	started := time.Now()
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(info.GetProgramDirectory(), "started")); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_, _ = host.Cancel(context.Background(), &emptypb.Empty{})
	}()
	response := run(t, host, engine, info)
	if !strings.Contains(response.GetError(), "ended by a signal") {
		t.Errorf("%v", response)
	}
	if elapsed := time.Since(started); elapsed > 30*time.Second {
		t.Errorf("it took %s", elapsed)
	}
}

func TestAMissingSDKIsNamedWithTheRemedy(t *testing.T) {
	host, engine := startHost(t)
	info := project(t, ``, nil)
	if err := os.Remove(filepath.Join(info.GetProgramDirectory(), "node_modules")); err != nil {
		t.Fatal(err)
	}
	response := run(t, host, engine, info)
	if !strings.Contains(response.GetError(), "npm ci") || !strings.Contains(response.GetError(), info.GetProgramDirectory()) {
		t.Errorf("%v", response)
	}
}

func TestAWrongOptionIsNamed(t *testing.T) {
	host, engine := startHost(t)
	for option, value := range map[string]any{"typescript": "no", "nodeargs": 1.0, "packagemanager": "apt", "production": "yes"} {
		response := run(t, host, engine, project(t, ``, map[string]any{option: value}))
		if !strings.Contains(response.GetError(), "runtime.options."+option) {
			t.Errorf("%s: %v", option, response)
		}
	}
}

func TestRequiredPackagesAreThoseWithAPlugin(t *testing.T) {
	host, _ := startHost(t)
	dir := t.TempDir()
	for file, text := range map[string]string{
		"@pulumi/docker/package.json":                    `{"name": "@pulumi/docker", "version": "5.2.0", "pulumi": {"resource": true}}`,
		"@acme/cloud/package.json":                       `{"name": "@acme/cloud", "version": "1.0.0", "pulumi": {"resource": true, "name": "cloud", "version": "2.0.0", "server": "https://example.com"}}`,
		"@acme/nameless/package.json":                    `{"name": "@acme/nameless", "version": "1.0.0", "pulumi": {"resource": true}}`,
		"@pulumi/pulumi/package.json":                    `{"name": "@pulumi/pulumi", "version": "3.248.0", "pulumi": {"resource": false}}`,
		"outer/package.json":                             `{"name": "outer", "version": "1.0.0"}`,
		"outer/node_modules/@pulumi/random/package.json": `{"name": "@pulumi/random", "version": "v4.0.0", "pulumi": {"resource": true}}`,
		"broken/package.json":                            `{"pulumi": `,
		".store/@pulumi/ignored/package.json":            `{"name": "@pulumi/ignored", "version": "1.0.0", "pulumi": {"resource": true}}`,
	} {
		write(t, filepath.Join(dir, "node_modules", file), text)
	}
	response, err := host.GetRequiredPackages(t.Context(), &pulumirpc.GetRequiredPackagesRequest{
		Info: &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: filepath.Join(dir, "infra"), EntryPoint: "."},
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, dependency := range response.GetPackages() {
		found = append(found, strings.Join([]string{dependency.GetKind(), dependency.GetName(), dependency.GetVersion(), dependency.GetServer()}, " "))
	}
	sort.Strings(found)
	want := []string{"resource cloud v2.0.0 https://example.com", "resource docker v5.2.0 ", "resource random v4.0.0 "}
	if strings.Join(found, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", found)
	}
}

func TestAboutNamesNodeAndThePackageManager(t *testing.T) {
	host, _ := startHost(t)
	response, err := host.About(t.Context(), &pulumirpc.AboutRequest{Info: project(t, ``, nil)})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(response.GetExecutable()) != "node" || !strings.HasPrefix(response.GetVersion(), "v") ||
		response.GetMetadata()["packagemanager"] != "npm" || response.GetMetadata()["packagemanagerVersion"] == "" ||
		response.GetMetadata()["typescriptVersion"] == "" {
		t.Errorf("%v", response)
	}
}

func TestProgramDependenciesComeFromTheLockFile(t *testing.T) {
	host, _ := startHost(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"name": "app", "dependencies": {"a": "1.0.0"}}`)
	// The SDK's reader of lock files goes by lines, as npm writes them.
	write(t, filepath.Join(dir, "package-lock.json"), `{
  "name": "app",
  "lockfileVersion": 3,
  "packages": {
    "": {
      "name": "app",
      "dependencies": {
        "a": "1.0.0"
      }
    },
    "node_modules/a": {
      "version": "1.0.0",
      "dependencies": {
        "b": "2.0.0"
      }
    },
    "node_modules/b": {
      "version": "2.0.0"
    }
  }
}
`)
	for transitive, want := range map[bool]string{false: "a@1.0.0", true: "a@1.0.0 b@2.0.0"} {
		response, err := host.GetProgramDependencies(t.Context(), &pulumirpc.GetProgramDependenciesRequest{
			TransitiveDependencies: transitive,
			Info:                   &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: dir, EntryPoint: "."},
		})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, dependency := range response.GetDependencies() {
			found = append(found, dependency.GetName()+"@"+dependency.GetVersion())
		}
		sort.Strings(found)
		if strings.Join(found, " ") != want {
			t.Errorf("transitive %v: %v", transitive, found)
		}
	}
}

func TestDependenciesAreInstalledAndTheOutputIsShown(t *testing.T) {
	host, _ := startHost(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"name": "app", "version": "1.0.0", "dependencies": {"local": "file:./local"}}`)
	write(t, filepath.Join(dir, "local", "package.json"), `{"name": "local", "version": "1.0.0"}`)
	stream, err := host.InstallDependencies(t.Context(), &pulumirpc.InstallDependenciesRequest{
		Info: &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: dir, EntryPoint: "."},
	})
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for {
		response, err := stream.Recv()
		if err != nil {
			break
		}
		shown.Write(response.GetStdout())
		shown.Write(response.GetStderr())
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "local", "package.json")); err != nil {
		t.Errorf("%v: %s", err, shown.String())
	}
	if !strings.Contains(shown.String(), "Finished installing") {
		t.Errorf("shown: %s", shown.String())
	}
}
