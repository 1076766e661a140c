package command

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"rewind.dev/toolchain/plugins/plugintest"
)

const password = "correct horse battery"

func TestASecretInputMakesWhatTheCommandPrintsSecret(t *testing.T) {
	for name, inputs := range map[string]props{
		"environment": {"create": "echo $PASSWORD", "environment": props{"PASSWORD": plugintest.Secret(password)}},
		"stdin":       {"create": "cat", "stdin": plugintest.Secret(password)},
		"create":      {"create": plugintest.Secret("echo " + password)},
		"triggers":    {"create": "echo x", "triggers": []any{plugintest.Secret(password)}},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := start(t)
			command := plugin.Resource(commandToken, "c")
			preview := command.Preview(t, inputs)
			command.MustCreate(t, inputs)
			for _, output := range []resource.PropertyKey{"stdout", "stderr"} {
				if !preview[output].IsSecret() {
					t.Errorf("%s is not secret in the preview: %v", output, preview[output])
				}
				if !command.State[output].IsSecret() {
					t.Errorf("%s is not secret: %v", output, command.State[output])
				}
			}
			if !command.State.ContainsSecrets() || !command.State[resource.PropertyKey(name)].ContainsSecrets() {
				t.Errorf("the input %s is no longer secret: %v", name, command.State)
			}
			command.Refresh(t)
			if !command.State["stdout"].IsSecret() {
				t.Error("stdout is no longer secret after a read")
			}
		})
	}
}

func TestWithoutSecretInputsNothingIsSecret(t *testing.T) {
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "echo a"})
	if command.State.ContainsSecrets() {
		t.Errorf("the state has secrets: %v", command.State)
	}
}

func TestAnOutputStaysSecretUntilACommandRenewsIt(t *testing.T) {
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "cat", "stdin": plugintest.Secret(password)})
	command.MustUpdate(t, props{"delete": "true"})
	if !command.State["stdout"].IsSecret() {
		t.Error("the output of the earlier run is no longer secret")
	}
	command.MustUpdate(t, props{"create": "echo harmless"})
	if command.State["stdout"].IsSecret() {
		t.Error("the output of a run without secrets is secret")
	}
}

func TestSecretsAreMaskedInTheLogAndInErrors(t *testing.T) {
	const key = "-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\n-----END KEY-----"
	plugin := start(t)
	command := plugin.Resource(commandToken, "c")
	inputs := props{
		"create":      plugintest.Secret(`echo "the password is $PASSWORD"; echo "$KEY"; echo ` + password + ` >&2; exit 1`),
		"environment": props{"PASSWORD": plugintest.Secret(password), "KEY": plugintest.Secret(key)},
	}
	err := command.Create(t, inputs)
	if err == nil {
		t.Fatal("the command succeeds")
	}
	for where, shown := range map[string]string{"the log": plugin.Log(), "the error": err.Error()} {
		for _, secret := range []string{password, "MIIBOgIBAAJBAKj34GkxFhD9"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s has the secret %q: %s", where, secret, shown)
			}
		}
	}
	if !strings.Contains(plugin.Log(), "the password is [secret]") {
		t.Errorf("the log lacks the masked line: %s", plugin.Log())
	}
}

func TestASecretOutputOfThePreviousRunIsMaskedToo(t *testing.T) {
	plugin := start(t)
	command := plugin.Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "cat", "stdin": plugintest.Secret(password), "logging": "none"})
	command.MustUpdate(t, props{"create": "echo was $PULUMI_COMMAND_STDOUT"})
	if strings.Contains(plugin.Log(), password) || !strings.Contains(plugin.Log(), "was [secret]") {
		t.Errorf("the log is %s", plugin.Log())
	}
}

func TestTheFunctionKeepsSecretsToo(t *testing.T) {
	plugin := start(t)
	got := plugin.Call(t, "command:local:run", props{"command": "echo $P", "environment": props{"P": plugintest.Secret(password)}})
	if !got["stdout"].IsSecret() || strings.Contains(plugin.Log(), password) {
		t.Errorf("stdout is %v, the log %s", got["stdout"], plugin.Log())
	}
}
