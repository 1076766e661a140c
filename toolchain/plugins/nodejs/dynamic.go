package nodejs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// DynamicProviderMain becomes the provider of dynamic resources of the SDK that the program uses. The engine starts it
// in the program's folder. It returns only if that fails.
func DynamicProviderMain() int {
	err := execDynamicProvider()
	fmt.Fprintf(os.Stderr, "pulumi-resource-pulumi-nodejs: %v\n", err)
	return 1
}

func execDynamicProvider() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	script, err := resolveModule(context.Background(), dynamicProviderModule, dir)
	if err != nil {
		return err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return errNoNode
	}
	// In place of this process, so that the engine's signals reach node and no idle parent remains.
	return syscall.Exec(node, append([]string{node, script}, os.Args[1:]...), os.Environ())
}
