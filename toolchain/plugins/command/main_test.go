package command

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"rewind.dev/toolchain/plugins/plugintest"
)

// asPlugin makes the test binary be the plugin.
const asPlugin = "REWIND_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// The engine ends a plugin with SIGINT. Commands are in process groups of their own, so the plugin must end them.
func TestTheEndOfThePluginEndsItsCommands(t *testing.T) {
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), asPlugin+"=1")
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill() })
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the plugin does not write its port: %v", err)
	}
	client := rpc.NewResourceProviderClient(plugintest.Dial(t, "127.0.0.1:"+strings.TrimSpace(port)))

	file := filepath.Join(t.TempDir(), "child")
	properties, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(props{
		"create": sleeper, "environment": props{"FILE": file},
	}), plugin.MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := client.Create(t.Context(), &rpc.CreateRequest{Urn: "urn:pulumi:dev::test::" + commandToken + "::c", Properties: properties})
		failed <- err
	}()
	child := waitForChild(t, file)
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	expectCancelled(t, failed, child, "cancelled")
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the plugin ends with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the plugin does not end within the 5 s that the engine gives it")
	}
}
