package command

import (
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"rewind.dev/toolchain/plugins/plugintest"
)

type props = plugintest.Map

const commandToken = "command:local:Command"

func start(t *testing.T) *plugintest.Plugin {
	t.Helper()
	return plugintest.Start(t, New())
}

func text(t *testing.T, state resource.PropertyMap, name string) string {
	t.Helper()
	value := state[resource.PropertyKey(name)]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		t.Fatalf("%s is %v, not a string", name, value)
	}
	return value.StringValue()
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

func TestCreateRunsTheCommandAndKeepsWhatItPrinted(t *testing.T) {
	command := start(t).Resource(commandToken, "hello")
	command.MustCreate(t, props{"create": "echo out; echo; echo err >&2"})

	expect(t, "stdout", text(t, command.State, "stdout"), "out\n")
	expect(t, "stderr", text(t, command.State, "stderr"), "err")
	expect(t, "create", text(t, command.State, "create"), "echo out; echo; echo err >&2")
	if !strings.HasPrefix(command.ID, "hello") || len(command.ID) != len("hello")+8 {
		t.Errorf("the id is %q, not the name and 8 hexadecimal digits", command.ID)
	}
}

func TestACommandWithoutCreateIsNotRun(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	command := start(t).Resource(commandToken, "late")
	command.MustCreate(t, props{"delete": "touch " + marker})
	if _, err := os.Stat(marker); err == nil {
		t.Error("delete ran at create")
	}
	command.MustDelete(t)
	if _, err := os.Stat(marker); err != nil {
		t.Error("delete did not run at delete")
	}
}

func TestUpdateRunsUpdateElseCreate(t *testing.T) {
	plugin := start(t)
	for name, test := range map[string]struct {
		inputs props
		want   string
	}{
		"update":                 {props{"create": "echo created", "update": "echo updated"}, "updated"},
		"create without update":  {props{"create": "echo created again"}, "created again"},
		"neither":                {props{"delete": "true"}, "first"},
		"both previous outputs":  {props{"create": "echo $PULUMI_COMMAND_STDOUT-$PULUMI_COMMAND_STDERR"}, "first-problem"},
		"previous outputs off":   {props{"create": "echo -$PULUMI_COMMAND_STDOUT-", "addPreviousOutputInEnv": false}, "--"},
		"previous outputs on":    {props{"create": "echo $PULUMI_COMMAND_STDOUT", "addPreviousOutputInEnv": true}, "first"},
		"environment of its own": {props{"create": "echo $PULUMI_COMMAND_STDOUT", "environment": props{"PULUMI_COMMAND_STDOUT": "mine"}}, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			command := plugin.Resource(commandToken, "c")
			command.MustCreate(t, props{"create": "echo first; echo problem >&2"})
			command.MustUpdate(t, test.inputs)
			expect(t, "stdout", text(t, command.State, "stdout"), test.want)
		})
	}
}

func TestDeleteGetsTheOutputsOfThePreviousRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seen")
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{
		"create": "echo one; echo two >&2", "delete": `echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR" > "$FILE"`,
		"environment": props{"FILE": file},
	})
	command.MustDelete(t)
	seen, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "what delete saw", string(seen), "one two\n")
}

// The expected values are those of the official plugin 1.2.1 for the same requests.
func TestDiffAnswersAsTheOfficialPluginDoes(t *testing.T) {
	old := props{"create": "echo a", "delete": "echo b", "triggers": []any{"x", 1.0}, "environment": props{"A": "1"}}
	with := func(name string, value any) props {
		changed := props{}
		for key, value := range old {
			changed[key] = value
		}
		if value == nil {
			delete(changed, name)
		} else {
			changed[name] = value
		}
		return changed
	}
	plugin := start(t)
	for name, test := range map[string]struct {
		inputs   props
		changes  rpc.DiffResponse_DiffChanges
		detail   map[string]rpc.PropertyDiff_Kind
		replaces []string
	}{
		"nothing changed": {old, rpc.DiffResponse_DIFF_NONE, nil, nil},
		"create":          {with("create", "echo c"), rpc.DiffResponse_DIFF_SOME, map[string]rpc.PropertyDiff_Kind{"create": rpc.PropertyDiff_UPDATE}, nil},
		// The official plugin updates here too, and the update runs `create` again.
		"delete": {with("delete", "echo c"), rpc.DiffResponse_DIFF_SOME, map[string]rpc.PropertyDiff_Kind{"delete": rpc.PropertyDiff_UPDATE}, nil},
		"environment": {with("environment", props{"A": "2", "B": "1"}), rpc.DiffResponse_DIFF_SOME,
			map[string]rpc.PropertyDiff_Kind{"environment.A": rpc.PropertyDiff_UPDATE, "environment.B": rpc.PropertyDiff_ADD}, nil},
		// For one trigger the SDK declares the replacement, with replaceOnChanges: ["triggers[*]"].
		"one trigger": {with("triggers", []any{"y", 1.0}), rpc.DiffResponse_DIFF_SOME,
			map[string]rpc.PropertyDiff_Kind{"triggers[0]": rpc.PropertyDiff_UPDATE}, nil},
		"all triggers": {with("triggers", nil), rpc.DiffResponse_DIFF_SOME,
			map[string]rpc.PropertyDiff_Kind{"triggers": rpc.PropertyDiff_DELETE_REPLACE}, []string{"triggers"}},
		"an input added": {with("stdin", "x"), rpc.DiffResponse_DIFF_SOME, map[string]rpc.PropertyDiff_Kind{"stdin": rpc.PropertyDiff_ADD}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			command := plugin.Resource(commandToken, "c")
			command.MustCreate(t, old)
			diff := command.Diff(t, test.inputs)
			expect(t, "changes", diff.GetChanges(), test.changes)
			expect(t, "replaces", diff.GetReplaces(), test.replaces)
			var detail map[string]rpc.PropertyDiff_Kind
			for key, property := range diff.GetDetailedDiff() {
				if detail == nil {
					detail = map[string]rpc.PropertyDiff_Kind{}
				}
				detail[key] = property.GetKind()
			}
			expect(t, "detail", detail, test.detail)
		})
	}
}

func TestAReadReturnsTheStateAsItIs(t *testing.T) {
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "echo a"})
	before := command.State
	if !command.Refresh(t) {
		t.Fatal("the command is gone after a read")
	}
	expect(t, "state", command.State, before)
	expect(t, "drift", command.Drift(t).GetChanges(), rpc.DiffResponse_DIFF_NONE)
}

func TestAPreviewRunsNothingAndKnowsNoOutputs(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	command := start(t).Resource(commandToken, "c")
	preview := command.Preview(t, props{"create": "touch " + marker, "stdin": plugintest.Unknown()})
	for _, name := range []resource.PropertyKey{"stdout", "stderr", "stdin"} {
		if !preview[name].IsComputed() {
			t.Errorf("%s is %v in the preview, not unknown", name, preview[name])
		}
	}
	command.MustCreate(t, props{"create": "echo a"})
	preview = command.Preview(t, props{"create": "touch " + marker})
	if !preview["stdout"].IsComputed() {
		t.Errorf("stdout is %v in the preview of an update, not unknown", preview["stdout"])
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the preview ran the command")
	}
}

func TestDirEnvironmentStdinAndInterpreterReachTheCommand(t *testing.T) {
	dir := t.TempDir()
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{
		"create": `pwd; echo "$GREETING"; cat`, "dir": dir, "stdin": "from stdin",
		"environment": props{"GREETING": "hé \"llo'"}, "interpreter": []any{"/bin/sh", "-e", "-c"},
	})
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "stdout", text(t, command.State, "stdout"), resolved+"\nhé \"llo'\nfrom stdin")
}

func TestLoggingChoosesTheStreams(t *testing.T) {
	for mode, want := range map[string][]string{
		"":                {"to stdout", "to stderr"},
		"stdoutAndStderr": {"to stdout", "to stderr"},
		"stdout":          {"to stdout"},
		"stderr":          {"to stderr"},
		"none":            nil,
	} {
		t.Run("logging "+mode, func(t *testing.T) {
			plugin := start(t)
			inputs := props{"create": "echo to stdout; printf 'to stderr' >&2"}
			if mode != "" {
				inputs["logging"] = mode
			}
			plugin.Resource(commandToken, "c").MustCreate(t, inputs)
			var got []string
			for _, line := range strings.Split(plugin.Log(), "\n") {
				if line != "" {
					got = append(got, line)
				}
			}
			sort.Strings(got)
			sort.Strings(want)
			expect(t, "log", got, want)
		})
	}
}

func TestAssetsAndArchiveAreTheMatchingFiles(t *testing.T) {
	dir := t.TempDir()
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{
		"create": "mkdir -p sub/deep; echo 1 > a.txt; echo 2 > sub/b.txt; echo 3 > sub/deep/secret.txt; echo 4 > c.md",
		"dir":    dir, "assetPaths": []any{"**.txt", "!**secret*"}, "archivePaths": []any{"sub/*"},
	})
	assets := command.State["assets"].ObjectValue()
	var names []string
	for name := range assets {
		names = append(names, string(name))
	}
	sort.Strings(names)
	expect(t, "assets", names, []string{"a.txt", "sub/b.txt"})
	expect(t, "path of an asset", assets["sub/b.txt"].AssetValue().Path, filepath.Join(dir, "sub/b.txt"))
	members := command.State["archive"].ArchiveValue().Assets
	if len(members) != 1 || members["sub/b.txt"] == nil {
		t.Errorf("the archive has %v, not just sub/b.txt", members)
	}
}

func TestAReadGivesAssetsTheirContentsBack(t *testing.T) {
	dir := t.TempDir()
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{
		"create": "echo 1 > a.txt; echo 2 > b.txt", "dir": dir, "assetPaths": []any{"*.txt"}, "archivePaths": []any{"*.txt"},
	})
	created := command.State
	// The engine sends a state without the contents.
	elided := created.Copy()
	elided["assets"] = resource.NewProperty(resource.PropertyMap{})
	for name, asset := range created["assets"].ObjectValue() {
		elided["assets"].ObjectValue()[name] = resource.NewProperty(&resource.Asset{Sig: asset.AssetValue().Sig, Hash: asset.AssetValue().Hash})
	}
	archive := created["archive"].ArchiveValue()
	elided["archive"] = resource.NewProperty(&resource.Archive{Sig: archive.Sig, Hash: archive.Hash})

	command.State = elided.Copy()
	command.Refresh(t)
	expect(t, "assets", command.State["assets"], created["assets"])
	expect(t, "archive", command.State["archive"], created["archive"])

	if err := os.WriteFile(filepath.Join(dir, "b.txt"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	command.State = elided.Copy()
	command.Refresh(t)
	expect(t, "an asset that is the same", command.State["assets"].ObjectValue()["a.txt"], created["assets"].ObjectValue()["a.txt"])
	expect(t, "an asset that changed", command.State["assets"].ObjectValue()["b.txt"], elided["assets"].ObjectValue()["b.txt"])
	expect(t, "members of an archive that changed", len(command.State["archive"].ArchiveValue().Assets), 0)
}

func TestAFailureSaysWhatFailedWhereAndWithWhichOutput(t *testing.T) {
	dir := t.TempDir()
	err := start(t).Resource(commandToken, "c").Create(t, props{"create": "echo some; echo detail >&2; exit 3", "dir": dir})
	if err == nil {
		t.Fatal("a command that exits with 3 succeeds")
	}
	for _, part := range []string{"create", "exit status 3", "echo some; echo detail", dir, "some", "detail"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not have %q: %v", part, err)
		}
	}
}

func TestAMissingDirOrInterpreterIsNamed(t *testing.T) {
	plugin := start(t)
	missing := filepath.Join(t.TempDir(), "missing")
	for input, inputs := range map[string]props{
		"dir":         {"create": "true", "dir": missing},
		"interpreter": {"create": "true", "interpreter": []any{missing}},
		"assetPaths":  {"create": "true", "assetPaths": []any{"[a"}},
	} {
		err := plugin.Resource(commandToken, "c").Create(t, inputs)
		if err == nil || !strings.Contains(err.Error(), input) {
			t.Errorf("%s: the error is %v", input, err)
		}
	}
}

func TestThePreviousOutputThatFitsNoEnvironmentIsExplained(t *testing.T) {
	plugin := start(t)
	for name, create := range map[string]string{
		"too long": "head -c 300000 /dev/zero | tr '\\0' x", "with NUL": "printf 'a\\0b'",
	} {
		command := plugin.Resource(commandToken, "c")
		command.MustCreate(t, props{"create": create})
		err := command.Update(t, props{"create": "true"})
		if err == nil || !strings.Contains(err.Error(), "addPreviousOutputInEnv") {
			t.Errorf("%s: the error is %v", name, err)
		}
		command.MustUpdate(t, props{"create": "true", "addPreviousOutputInEnv": false})
	}
}

func TestOutputThatIsNotUTF8IsKeptAsFarAsItIs(t *testing.T) {
	plugin := start(t)
	command := plugin.Resource(commandToken, "c")
	command.MustCreate(t, props{"create": `printf 'a\377b'`})
	expect(t, "stdout", text(t, command.State, "stdout"), "a\uFFFDb")
	if !strings.Contains(plugin.Log(), "not valid UTF-8") {
		t.Errorf("no warning in the log: %s", plugin.Log())
	}
}

func TestMuchOutputIsKeptWhole(t *testing.T) {
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "head -c 2000000 /dev/zero | tr '\\0' x", "logging": "none"})
	expect(t, "length of stdout", len(text(t, command.State, "stdout")), 2000000)
	err := command.Update(t, props{"create": "head -c 2000000 /dev/zero | tr '\\0' y; echo the end; exit 1", "addPreviousOutputInEnv": false})
	if err == nil || !strings.Contains(err.Error(), "the end") || len(err.Error()) > 200_000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func TestRunIsTheFunction(t *testing.T) {
	plugin := start(t)
	got := plugin.Call(t, "command:local:run", props{"command": "echo $A", "environment": props{"A": "value"}})
	expect(t, "stdout", text(t, got, "stdout"), "value")
	expect(t, "command", text(t, got, "command"), "echo $A")
}

func TestRemoteResourcesAreRefusedByName(t *testing.T) {
	plugin := start(t)
	for _, token := range []string{"command:remote:Command", "command:remote:CopyFile", "command:remote:CopyToRemote"} {
		remote := plugin.Resource(token, "far")
		_, failures := remote.Check(t, props{"connection": props{"host": "example"}})
		if !strings.Contains(failures[""], token) || !strings.Contains(failures[""], "far") {
			t.Errorf("%s is refused with %v", token, failures)
		}
		remote.ID, remote.State = "x", resource.PropertyMap{}
		if err := remote.Delete(t); err == nil || !strings.Contains(err.Error(), token) {
			t.Errorf("deleting %s: %v", token, err)
		}
	}
}

func TestAnInputThatDoesNotExistIsRefusedByName(t *testing.T) {
	_, failures := start(t).Resource(commandToken, "c").Check(t, props{"create": "true", "colour": "red", "stdin": 1.0})
	for _, input := range []string{"colour", "stdin"} {
		if !strings.Contains(failures[input], input) {
			t.Errorf("%s is not refused: %v", input, failures)
		}
	}
}

func TestTheInputsAreThoseOfTheNpmPackage(t *testing.T) {
	plugin := start(t)
	schema := plugin.Schema(t)
	expect(t, "inputs of Command", schema.Inputs(commandToken), sorted(plugintest.Declared(t, "command/local/command.d.ts", "CommandArgs")))
	expect(t, "arguments of run", schema.Arguments("command:local:run"), sorted(plugintest.Declared(t, "command/local/run.d.ts", "RunArgs")))
}

func sorted(list []string) []string {
	sort.Strings(list)
	return list
}
