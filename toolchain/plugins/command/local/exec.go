package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"unicode/utf8"

	provider "github.com/pulumi/pulumi-go-provider"

	"rewind.dev/toolchain/plugins/command/redact"
)

// The variables that carry the outputs of the previous create or update.
const (
	previousStdout = "PULUMI_COMMAND_STDOUT"
	previousStderr = "PULUMI_COMMAND_STDERR"
)

// run executes the command text and, if it succeeds, puts what it left behind into out. On entry out holds the outputs
// of the previous run, if there was one. what names the input that text came from, for errors.
func run(ctx context.Context, what, text string, in ProcessInputs, out *ProcessOutputs) error {
	argv := append(interpreter(in), text)
	env, err := environment(in, *out)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	dir, err := workingDir(in)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}

	capture := newCapture(ctx, in.Logging)
	process := process{argv: argv, env: env, dir: dir, stdout: capture.stdout, stderr: capture.stderr}
	if in.Stdin != nil {
		process.stdin = *in.Stdin
	}
	err = process.run(ctx)
	capture.close()
	if err != nil {
		return failure(ctx, what, text, dir, err, capture.tail())
	}

	if err := collectFiles(dir, in, out); err != nil {
		return err
	}
	out.Stdout = output(ctx, "stdout", capture.stdout.all.String())
	out.Stderr = output(ctx, "stderr", capture.stderr.all.String())
	return nil
}

func interpreter(in ProcessInputs) []string {
	if in.Interpreter != nil && len(*in.Interpreter) > 0 {
		return append([]string{}, *in.Interpreter...)
	}
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/C"}
	}
	return []string{"/bin/sh", "-c"}
}

func workingDir(in ProcessInputs) (string, error) {
	if in.Dir == nil {
		return os.Getwd()
	}
	info, err := os.Stat(*in.Dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("dir: cannot run a command in %q: %w. Create the directory or mend `dir`", *in.Dir, err)
	case !info.IsDir():
		return "", fmt.Errorf("dir: %q is a file, and a command runs in a directory. Mend `dir`", *in.Dir)
	}
	return *in.Dir, nil
}

func environment(in ProcessInputs, previous ProcessOutputs) ([]string, error) {
	env := os.Environ()
	if in.Environment != nil {
		names := make([]string, 0, len(*in.Environment))
		for name := range *in.Environment {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			value := (*in.Environment)[name]
			if strings.ContainsRune(value, 0) {
				return nil, fmt.Errorf("environment[%q] has a NUL byte, which no environment variable can carry", name)
			}
			env = append(env, name+"="+value)
		}
	}
	if in.AddPreviousOutputInEnv != nil && !*in.AddPreviousOutputInEnv {
		return env, nil
	}
	for _, variable := range []struct{ name, value string }{
		{previousStdout, previous.Stdout}, {previousStderr, previous.Stderr},
	} {
		if variable.value == "" {
			continue
		}
		if strings.ContainsRune(variable.value, 0) {
			return nil, fmt.Errorf("the previous output has a NUL byte, so %s cannot carry it. "+
				"Set `addPreviousOutputInEnv: false`", variable.name)
		}
		env = append(env, variable.name+"="+variable.value)
	}
	return env, nil
}

// output is a captured stream as an output property: one trailing newline less, and always valid UTF-8, because
// nothing else fits into the state and a command that did its work must not be lost over what it printed.
func output(ctx context.Context, name, text string) string {
	text = strings.TrimSuffix(text, "\n")
	if utf8.ValidString(text) {
		return text
	}
	provider.GetLogger(ctx).Warning(fmt.Sprintf("%s is not valid UTF-8: each stretch of invalid bytes is %q in the output. "+
		"Encode it in the command, for example with base64, if it is needed byte by byte", name, "\uFFFD"))
	return strings.ToValidUTF8(text, "\uFFFD")
}

// failure says which command failed where, and what it printed last. Secrets of the request are masked.
func failure(ctx context.Context, what, text, dir string, cause error, tail string) error {
	var reason, mend string
	var exit *exec.ExitError
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		reason, mend = "timed out and was stopped", "Raise `customTimeouts` of the resource if it needs longer"
	case errors.Is(cause, context.Canceled):
		reason, mend = "was stopped because the update was cancelled", "Run the update again"
	case errors.As(cause, &exit):
		reason, mend = "failed: "+exit.Error(), "Run it by hand in that directory to see why"
	case errors.Is(cause, errTooLong):
		reason = "could not start: " + cause.Error()
		mend = "Pass long values through `stdin` or a file; `addPreviousOutputInEnv: false` leaves out the previous output"
	default:
		reason, mend = "could not start: "+cause.Error(), "Check `interpreter`"
	}
	message := fmt.Sprintf("%s %s\n  command: %s\n  directory: %s\n  mend: %s", what, reason, text, dir, mend)
	if tail = strings.TrimRight(tail, "\n"); tail != "" {
		message += "\n  output:\n" + tail
	}
	return errors.New(strings.ToValidUTF8(redact.Text(ctx, message), "\uFFFD"))
}
