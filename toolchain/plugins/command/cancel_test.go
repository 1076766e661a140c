package command

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"
)

// sleeper is a command with a child of its own. It writes the child's id, then waits.
const sleeper = `sleep 300 & echo $! > "$FILE"; wait`

// stubborn ignores the polite request to end.
const stubborn = `trap '' TERM; ` + sleeper

func TestCancelEndsTheWholeProcessGroup(t *testing.T) {
	for name, script := range map[string]string{"willing": sleeper, "stubborn": stubborn} {
		t.Run(name, func(t *testing.T) {
			plugin := start(t)
			file := filepath.Join(t.TempDir(), "child")
			failed := make(chan error, 1)
			go func() {
				failed <- plugin.Resource(commandToken, "c").Create(t, props{"create": script, "environment": props{"FILE": file}})
			}()
			child := waitForChild(t, file)
			if _, err := plugin.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
				t.Fatal(err)
			}
			expectCancelled(t, failed, child, "cancelled")
		})
	}
}

func TestATimeoutEndsTheCommand(t *testing.T) {
	plugin := start(t)
	file := filepath.Join(t.TempDir(), "child")
	failed := make(chan error, 1)
	go func() {
		failed <- plugin.Resource(commandToken, "c").CreateTimeout(t, props{"create": sleeper, "environment": props{"FILE": file}}, 1)
	}()
	child := waitForChild(t, file)
	expectCancelled(t, failed, child, "customTimeouts")
}

func TestTheEndOfTheEngineEndsTheCommand(t *testing.T) {
	plugin := start(t)
	file := filepath.Join(t.TempDir(), "child")
	engine, die := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		failed <- plugin.Resource(commandToken, "c").CreateWithin(t, engine, props{"create": sleeper, "environment": props{"FILE": file}})
	}()
	child := waitForChild(t, file)
	die()
	expectCancelled(t, failed, child, "")
}

func TestACommandThatLeavesTheGroupDoesNotHoldUpTheCancel(t *testing.T) {
	plugin := start(t)
	file := filepath.Join(t.TempDir(), "child")
	failed := make(chan error, 1)
	go func() {
		failed <- plugin.Resource(commandToken, "c").Create(t, props{
			"create": `setsid sleep 60 & echo $! > "$FILE"; wait`, "environment": props{"FILE": file},
		})
	}()
	child := waitForChild(t, file)
	defer func() { _ = syscall.Kill(child, syscall.SIGKILL) }()
	if _, err := plugin.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-failed:
	case <-time.After(10 * time.Second):
		t.Fatal("the cancelled command does not return")
	}
}

// As in the official plugin, a command has ended when nothing holds its output any more.
func TestABackgroundProcessThatHoldsTheOutputIsWaitedFor(t *testing.T) {
	command := start(t).Resource(commandToken, "c")
	command.MustCreate(t, props{"create": "(sleep 0.5; echo late) & echo early"})
	expect(t, "stdout", text(t, command.State, "stdout"), "early\nlate")
}

func waitForChild(t *testing.T, file string) int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if content, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(content), "\n") {
			child, err := strconv.Atoi(strings.TrimSpace(string(content)))
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the command did not start")
	return 0
}

func expectCancelled(t *testing.T, failed <-chan error, child int, message string) {
	t.Helper()
	select {
	case err := <-failed:
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("the error is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the cancelled command does not return")
	}
	deadline := time.Now().Add(5 * time.Second)
	for alive(child) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d, which the command started, still runs", child)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// alive says whether the process runs. One that nobody has waited for yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
