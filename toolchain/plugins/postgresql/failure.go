package postgresql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of Postgres errors for which there is something better to say than Postgres does.
var mends = map[string]string{
	"28000": "Check username and sslmode of the provider, and the server's pg_hba.conf",
	"28P01": "Check username and password of the provider",
	"3D000": "Create the database first, for example with dependsOn, or mend its name",
	"3F000": "Create the schema first, for example with dependsOn, or mend its name",
	"42501": "Connect as a role that may do this: username and password of the provider",
	"42704": "Create it first, for example with dependsOn, or mend its name",
	"42710": "Choose another name, or take over the existing one with `pulumi import`",
	"42P04": "Choose another name, or take over the existing one with `pulumi import`",
	"42P06": "Choose another name, or set ifNotExists to use the existing one",
	"2BP01": "Deal with what depends on it first; dropCascade, where there is such a property, deletes that too",
	"55006": "End the connections to that database and run the update again",
	"53300": "Lower maxConnections of the provider, or raise max_connections of the server",
	"57P03": "The server is starting or stopping: run the update again when it is up",
}

// explain says what was attempted, what Postgres answered and what to do about it. No statement is in it: a statement
// may hold a password.
func explain(err error, format string, args ...any) error {
	attempted := fmt.Sprintf(format, args...)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		answer := fmt.Sprintf("%s (%s)", pgErr.Message, pgErr.Code)
		for _, more := range []string{pgErr.Detail, pgErr.Hint} {
			if more != "" {
				answer += ". " + strings.TrimSuffix(more, ".")
			}
		}
		if mend := mends[pgErr.Code]; mend != "" {
			answer += ". " + mend
		}
		return fmt.Errorf("%s: %s", attempted, answer)
	}
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		mend := "Check host and port of the provider, and that Postgres is up"
		if strings.Contains(err.Error(), "TLS") {
			mend = "Set sslmode of the provider to disable if the server has no TLS"
		}
		return fmt.Errorf("%s: %w. %s", attempted, err, mend)
	}
	return fmt.Errorf("%s: %w", attempted, err)
}
