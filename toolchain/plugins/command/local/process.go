package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// How long a cancelled command may take to clean up. The engine kills a plugin that takes longer than 5 s to end.
	terminateGrace = 3 * time.Second
	// How long to wait for the streams after the kill: a process that left the group may hold them for ever.
	drainGrace = time.Second
)

// errTooLong means that the operating system does not take a command line or environment of that size.
var errTooLong = errors.New("command line and environment are longer than the system allows")

// process is a command to execute. It runs in a process group of its own, so that cancelling ends what it started too.
type process struct {
	argv           []string
	env            []string
	dir            string
	stdin          string
	stdout, stderr io.Writer
}

// run executes the process until it has ended and nothing holds its streams any more. When ctx ends first, the whole
// group is terminated, then killed, and the error is ctx's.
func (p process) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Env, cmd.Dir = p.env, p.dir
	if p.stdin != "" {
		cmd.Stdin = strings.NewReader(p.stdin)
	}
	setProcessGroup(cmd)

	// Pipes of our own, not those of os/exec: they can be given up when a process outside the group keeps them open.
	streams, err := connect(cmd, p.stdout, p.stderr)
	if err != nil {
		return err
	}
	defer streams.closeReaders()
	err = cmd.Start()
	streams.closeWriters()
	if err != nil {
		if isTooLong(err) {
			return errTooLong
		}
		return err
	}

	copied := streams.copy()
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		<-copied
		ended <- err
	}()

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	terminateGroup(cmd)
	if !endsWithin(ended, terminateGrace) {
		killGroup(cmd)
		endsWithin(ended, drainGrace)
	}
	// Nothing writes to the caller's buffers after this.
	streams.closeReaders()
	<-copied
	return ctx.Err()
}

func endsWithin(ended <-chan error, grace time.Duration) bool {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// streams are the pipes between a process and the writers that take its output.
type streams struct {
	readers, writers []*os.File
	sinks            []io.Writer
}

func connect(cmd *exec.Cmd, stdout, stderr io.Writer) (*streams, error) {
	s := &streams{sinks: []io.Writer{stdout, stderr}}
	for range s.sinks {
		reader, writer, err := os.Pipe()
		if err != nil {
			s.closeReaders()
			s.closeWriters()
			return nil, fmt.Errorf("cannot make a pipe for the output: %w", err)
		}
		s.readers = append(s.readers, reader)
		s.writers = append(s.writers, writer)
	}
	cmd.Stdout, cmd.Stderr = s.writers[0], s.writers[1]
	return s, nil
}

// copy starts to move the output and returns a channel that closes when both streams are at their end.
func (s *streams) copy() <-chan struct{} {
	var pending sync.WaitGroup
	for i, reader := range s.readers {
		pending.Go(func() {
			// The only errors are the end of the stream and a reader that was given up.
			_, _ = io.Copy(s.sinks[i], reader)
		})
	}
	done := make(chan struct{})
	go func() {
		pending.Wait()
		close(done)
	}()
	return done
}

func (s *streams) closeReaders() { closeAll(s.readers) }
func (s *streams) closeWriters() { closeAll(s.writers) }

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}
