package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"rewind.dev/toolchain/plugins/plugintest"
)

// testLabel is on everything that these tests make in the engine.
const testLabel = "dev.rewind.test"

const (
	containerType = "docker:index/container:Container"
	networkType   = "docker:index/network:Network"
	volumeType    = "docker:index/volume:Volume"
)

var (
	engine *client.Client
	// testImage and otherImage are two images with the same content, and so two image IDs.
	testImage, otherImage = imageName("a"), imageName("b")
	testImageID           string
	counter               atomic.Int64
)

func TestMain(m *testing.M) {
	code, err := withImages(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withImages runs the tests with the test images in the engine and removes the images afterwards.
func withImages(run func() int) (int, error) {
	ctx := context.Background()
	connected, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return 1, err
	}
	if _, err := connected.Ping(ctx); err != nil {
		return 1, fmt.Errorf("these tests need a Docker engine: start it, or point DOCKER_HOST at one: %w", err)
	}
	engine = connected
	program, err := buildProgram()
	if err != nil {
		return 1, err
	}
	for _, name := range []string{testImage, otherImage} {
		if err := importImage(ctx, name, program); err != nil {
			return 1, err
		}
		defer engine.ImageRemove(ctx, name, image.RemoveOptions{Force: true}) //nolint:errcheck // best effort
	}
	inspected, err := engine.ImageInspect(ctx, testImage)
	if err != nil {
		return 1, err
	}
	testImageID = inspected.ID
	return run(), nil
}

func imageName(variant string) string {
	return fmt.Sprintf("rewind-test/docker-plugin-%s:%d", variant, os.Getpid())
}

// buildProgram compiles the test image's only program: no registry is needed for it.
func buildProgram() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rewind-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	file := filepath.Join(dir, "main")
	build := exec.Command("go", "build", "-o", file, "./testdata/main.go")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the test image's program: %w\n%s", err, out)
	}
	return os.ReadFile(file)
}

func importImage(ctx context.Context, name string, program []byte) error {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.WriteHeader(&tar.Header{Name: "main", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return err
	}
	if _, err := writer.Write(program); err != nil {
		return err
	}
	for _, dir := range []string{"tmp/", "data/", "etc/"} {
		if err := writer.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o777}); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	response, err := engine.ImageImport(ctx, image.ImportSource{Source: &archive, SourceName: "-"}, name, image.ImportOptions{
		Changes: []string{`CMD ["/main", "serve"]`, `LABEL ` + testLabel + `=1 variant=` + name},
	})
	if err != nil {
		return fmt.Errorf("import the test image: %w", err)
	}
	defer response.Close() //nolint:errcheck // read to its end below
	_, err = io.Copy(io.Discard, response)
	return err
}

// startPlugin serves the plugin and configures it for the engine, as the Pulumi engine does before anything else.
func startPlugin(t testing.TB, config plugintest.Map) *plugintest.Plugin {
	t.Helper()
	plugin := plugintest.StartServer(t, NewServer)
	args, err := structpb.NewStruct(config)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := plugin.CheckConfig(t.Context(), &pulumirpc.CheckRequest{
		Urn: "urn:pulumi:dev::test::pulumi:providers:docker::default", News: args,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(checked.GetFailures()) > 0 {
		t.Fatalf("configuration: %v", checked.GetFailures())
	}
	if _, err := plugin.Configure(t.Context(), &pulumirpc.ConfigureRequest{
		Args: checked.GetInputs(), AcceptSecrets: true, AcceptResources: true,
	}); err != nil {
		t.Fatal(err)
	}
	return plugin
}

// uniqueName names a thing of one test, so that tests and runs do not meet in the engine.
func uniqueName(t testing.TB) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", " ", "-", "#", "-").Replace(t.Name()))
	if len(name) > 40 {
		name = name[:40]
	}
	return fmt.Sprintf("rewind-test-%s-%d-%d", strings.Trim(name, "-_"), os.Getpid(), counter.Add(1))
}

// labels are the test label as the plugin's property wants it.
func labels() []any {
	return []any{plugintest.Map{"label": testLabel, "value": "1"}}
}

// containerInputs are the inputs of a container of the test image, with the given ones added or put in place.
func containerInputs(t testing.TB, more plugintest.Map) plugintest.Map {
	inputs := plugintest.Map{"name": uniqueName(t), "image": testImage, "labels": labels()}
	for name, value := range more {
		inputs[name] = value
	}
	return inputs
}

// newContainer creates a container and removes it after the test.
func newContainer(t testing.TB, plugin *plugintest.Plugin, inputs plugintest.Map) *plugintest.Resource {
	t.Helper()
	removeContainerAfter(t, inputs["name"].(string))
	made := plugin.Resource(containerType, "container")
	made.MustCreate(t, inputs)
	return made
}

func removeContainerAfter(t testing.TB, name string) {
	t.Cleanup(func() {
		_ = engine.ContainerRemove(context.Background(), name, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
}

// newNetwork creates a network and removes it after the test.
func newNetwork(t testing.TB, plugin *plugintest.Plugin, more plugintest.Map) *plugintest.Resource {
	t.Helper()
	inputs := plugintest.Map{"name": uniqueName(t), "labels": labels()}
	for name, value := range more {
		inputs[name] = value
	}
	made := plugin.Resource(networkType, "network")
	t.Cleanup(func() { _ = engine.NetworkRemove(context.Background(), inputs["name"].(string)) })
	made.MustCreate(t, inputs)
	return made
}

// inspect is what the engine says of a container.
func inspect(t testing.TB, id string) container.InspectResponse {
	t.Helper()
	found, err := engine.ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
