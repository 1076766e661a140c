package local

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	provider "github.com/pulumi/pulumi-go-provider"

	"rewind.dev/toolchain/plugins/command/redact"
)

const (
	maxLogLine = 64 << 10 // bytes; a longer line is logged in pieces
	maxTail    = 64 << 10 // bytes of output in an error: more than a message of the protocol is sure to carry is no help
)

// capture keeps what a command prints: each stream whole, the end of both as they came, and lines for the log.
type capture struct {
	ctx            context.Context
	stdout, stderr *stream

	mu      sync.Mutex // the streams are read at the same time
	both    []byte
	dropped int
}

// stream is one of the command's outputs.
type stream struct {
	capture *capture
	logged  bool
	all     bytes.Buffer
	line    []byte // begun, not yet logged
}

func newCapture(ctx context.Context, logging *Logging) *capture {
	c := &capture{ctx: ctx}
	c.stdout = &stream{capture: c, logged: logging.includes(LogStdout)}
	c.stderr = &stream{capture: c, logged: logging.includes(LogStderr)}
	return c
}

// Write takes what the command printed. It never fails.
func (s *stream) Write(data []byte) (int, error) {
	s.all.Write(data)
	s.capture.mu.Lock()
	defer s.capture.mu.Unlock()
	s.capture.keep(data)
	if s.logged {
		s.log(data)
	}
	return len(data), nil
}

func (s *stream) log(data []byte) {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		s.capture.logLine(append(s.line, data[:end]...))
		s.line, data = s.line[:0], data[end+1:]
	}
	s.line = append(s.line, data...)
	if len(s.line) >= maxLogLine {
		s.capture.logLine(s.line)
		s.line = s.line[:0]
	}
}

func (c *capture) logLine(line []byte) {
	text := strings.ToValidUTF8(strings.TrimSuffix(string(line), "\r"), "\uFFFD")
	provider.GetLogger(c.ctx).InfoStatus(redact.Text(c.ctx, text))
}

func (c *capture) keep(data []byte) {
	c.both = append(c.both, data...)
	// Cut only now and then: cutting at every write would copy the tail at every write.
	if len(c.both) > 2*maxTail {
		c.dropped += len(c.both) - maxTail
		c.both = append([]byte{}, c.both[len(c.both)-maxTail:]...)
	}
}

// close logs the last lines, which may lack their newline.
func (c *capture) close() {
	for _, s := range []*stream{c.stdout, c.stderr} {
		if len(s.line) > 0 {
			c.logLine(s.line)
			s.line = nil
		}
	}
}

// tail is the end of what the command printed on both streams.
func (c *capture) tail() string {
	if c.dropped == 0 {
		return string(c.both)
	}
	return fmt.Sprintf("(the first %d bytes are left out)\n%s", c.dropped, c.both)
}
