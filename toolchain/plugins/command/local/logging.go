package local

import "github.com/pulumi/pulumi-go-provider/infer"

// Logging says which streams of a command are copied to the update's log.
type Logging string

// The values of Logging.
const (
	LogStdout          Logging = "stdout"
	LogStderr          Logging = "stderr"
	LogStdoutAndStderr Logging = "stdoutAndStderr"
	LogNone            Logging = "none"
)

// Values lists the enumeration for the schema.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: string(LogStdout), Value: LogStdout, Description: "Log standard output only."},
		{Name: string(LogStderr), Value: LogStderr, Description: "Log standard error only."},
		{Name: string(LogStdoutAndStderr), Value: LogStdoutAndStderr, Description: "Log both."},
		{Name: string(LogNone), Value: LogNone, Description: "Log neither."},
	}
}

func (l *Logging) includes(stream Logging) bool {
	return l == nil || *l == LogStdoutAndStderr || *l == stream
}
