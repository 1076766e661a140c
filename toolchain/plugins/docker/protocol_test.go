package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"rewind.dev/toolchain/plugins/plugintest"
)

func TestASecretStaysSecretAndNothingElseBecomesOne(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newContainer(t, plugin, containerInputs(t, object{
		"envs":    list("A=1", plugintest.Secret("PASSWORD=hush"), "C=3"),
		"uploads": list(object{"file": "/etc/secret.conf", "content": plugintest.Secret("hushed")}),
	}))
	if !contains(inspect(t, made.ID).Config.Env, "PASSWORD=hush") {
		t.Error("the container has not got the secret")
	}
	check := func(when string, properties resource.PropertyMap) {
		t.Helper()
		for _, env := range properties["envs"].ArrayValue() {
			secret := env.IsSecret()
			if secret {
				env = env.SecretValue().Element
			}
			if secret != (env.StringValue() == "PASSWORD=hush") {
				t.Errorf("%s: %v", when, properties["envs"])
			}
		}
		if !properties["uploads"].ArrayValue()[0].ObjectValue()["content"].IsSecret() || properties["labels"].ContainsSecrets() {
			t.Errorf("%s: uploads %v, labels %v", when, properties["uploads"], properties["labels"])
		}
	}
	check("after the check", made.Inputs)
	check("after the creation", made.State)
	made.Refresh(t)
	check("after a refresh", made.State)
	if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
		t.Errorf("after a refresh: %v", drift.GetDetailedDiff())
	}
	if strings.Contains(plugin.Log(), "hush") {
		t.Errorf("the log shows it: %s", plugin.Log())
	}
}

func TestASecretIsMaskedInErrors(t *testing.T) {
	plugin := startPlugin(t, nil)
	_, failures := plugin.Resource(containerType, "container").Check(t, containerInputs(t, object{"restart": plugintest.Secret("hushhush")}))
	if text := failures[""]; !strings.Contains(text, "[secret]") || strings.Contains(text, "hushhush") {
		t.Errorf("check: %v", failures)
	}
	inputs := containerInputs(t, object{"command": list(plugintest.Secret("/hushhush"))})
	removeContainerAfter(t, inputs["name"].(string))
	err := plugin.Resource(containerType, "container").Create(t, inputs)
	if err == nil || !strings.Contains(err.Error(), "[secret]") || strings.Contains(fmt.Sprintf("%+v", err), "hushhush") {
		t.Errorf("create: %v", err)
	}
}

func TestAPreviewWithUnknownInputsTouchesNothing(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := plugin.Resource(containerType, "container")
	inputs := containerInputs(t, object{
		"image": plugintest.Unknown(), "networksAdvanced": list(object{"name": plugintest.Unknown()})})
	outputs := made.Preview(t, inputs)
	for _, property := range []string{"id", "image", "networkDatas"} {
		if value := outputs[resource.PropertyKey(property)]; !value.IsComputed() && !value.IsOutput() {
			t.Errorf("%s is %v", property, value)
		}
	}
	if outputs["name"].V != inputs["name"] {
		t.Errorf("the name is %v", outputs["name"])
	}
	if _, err := engine.ContainerInspect(t.Context(), inputs["name"].(string)); err == nil {
		t.Error("the preview made a container")
	}
}

func TestAnUnknownInputOfAnExistingContainerShowsAsAReplacement(t *testing.T) {
	plugin := startPlugin(t, nil)
	inputs := containerInputs(t, nil)
	made := newContainer(t, plugin, inputs)
	inputs["image"] = plugintest.Unknown()
	if diff := made.Diff(t, inputs); len(diff.GetReplaces()) == 0 {
		t.Errorf("%v", diff.GetDetailedDiff())
	}
}

func TestInputsThatAreNotSupportedAreRefusedByName(t *testing.T) {
	plugin := startPlugin(t, nil)
	for property, more := range map[string]object{
		"pidsLimit":        {"pidsLimit": 100},
		"container.mounts": {"mounts": list(object{"type": "tmpfs", "target": "/tmp", "sise": 1})},
		"restart":          {"restart": "sometimes"},
		"healthcheck":      {"healthcheck": object{"interval": "soon"}},
	} {
		_, failures := plugin.Resource(containerType, "container").Check(t, containerInputs(t, more))
		text, _ := json.Marshal(failures)
		if !strings.Contains(string(text), property) {
			t.Errorf("%s: %s", property, text)
		}
	}
}

func TestDockerImageIsRefusedWithAWayOut(t *testing.T) {
	plugin := startPlugin(t, nil)
	_, err := plugin.Check(t.Context(), &pulumirpc.CheckRequest{
		Urn:  "urn:pulumi:dev::test::docker:index/image:Image::app",
		News: &structpb.Struct{Fields: map[string]*structpb.Value{"imageName": structpb.NewStringValue("app:1")}},
	})
	if err == nil || !strings.Contains(err.Error(), imageType) || !strings.Contains(err.Error(), "docker compose build") {
		t.Errorf("%v", err)
	}
}

func TestCancelEndsAWaitButLetsACreationFinish(t *testing.T) {
	bridge := startPlugin(t, nil)
	inputs := containerInputs(t, object{
		"healthcheck": object{"tests": list("CMD", "/main", "false"), "interval": "1s"}, "wait": true, "waitTimeout": 300})
	removeContainerAfter(t, inputs["name"].(string))
	started := time.Now()
	time.AfterFunc(time.Second, func() { _, _ = bridge.Cancel(context.Background(), &emptypb.Empty{}) })
	err := bridge.Resource(containerType, "container").Create(t, inputs)
	if err == nil {
		t.Error("a container that never gets healthy was created without an error")
	}
	if elapsed := time.Since(started); elapsed < cancelGrace || elapsed > cancelGrace+5*time.Second {
		t.Errorf("it ended after %s", elapsed)
	}
	if found := inspect(t, inputs["name"].(string)); !found.State.Running {
		t.Errorf("the container is %s", found.State.Status)
	}
}

func TestAnEngineThatDoesNotAnswerIsNamed(t *testing.T) {
	plugin := startPlugin(t, object{"host": "unix:///nowhere/docker.sock"})
	err := plugin.Resource(networkType, "network").Create(t, object{"name": uniqueName(t)})
	if err == nil || !strings.Contains(err.Error(), "unix:///nowhere/docker.sock") {
		t.Errorf("%v", err)
	}
}
