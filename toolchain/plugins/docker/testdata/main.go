// The program of the test image: `main serve` waits to be stopped, `main true` and `main false` are health checks.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	switch os.Args[1] {
	case "false":
		os.Exit(1)
	case "serve":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
		<-stop
	}
}
