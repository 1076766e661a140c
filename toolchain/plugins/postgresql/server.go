package postgresql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// How long a statement may take to end after it was cancelled, before its connection is dropped.
const cancelGrace = 5 * time.Second

// server is the Postgres server that the provider is configured for. No connection is kept: one that is open stands in
// the way of renaming, dropping and copying its database.
type server struct {
	config config
	slots  chan struct{} // nil: no limit
	// Changes run one at a time: Postgres fails with "tuple concurrently updated" when two of them, say two grants,
	// meet on the same row of a catalogue, and a database that is read from cannot be copied or renamed.
	changes sync.RWMutex
}

func newServer(cfg config) *server {
	srv := &server{config: cfg}
	if cfg.maxConnections > 0 {
		srv.slots = make(chan struct{}, cfg.maxConnections)
	}
	return srv
}

// querier is a session or a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// read runs fn on a connection to the database, or to the configured one if that is "", while nothing is changed.
func (srv *server) read(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	srv.changes.RLock()
	defer srv.changes.RUnlock()
	return srv.session(ctx, database, fn)
}

// change runs fn likewise, while nothing else runs.
func (srv *server) change(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	srv.changes.Lock()
	defer srv.changes.Unlock()
	return srv.session(ctx, database, fn)
}

// changesLock is the key of the advisory lock under which changes in one database run one at a time, also those of
// other providers: each is a process of its own. It is the CRC-32 of the plugin's name.
const changesLock = 0x76642cf2

// changeTogether is change in one transaction.
func (srv *server) changeTogether(ctx context.Context, database string, fn func(pgx.Tx) error) error {
	return srv.change(ctx, database, func(conn *pgx.Conn) error {
		// A limit that a role or database sets for its statements is not meant for ours.
		if _, err := conn.Exec(ctx, "SET statement_timeout = 0"); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", changesLock); err != nil {
				return explain(err, "cannot wait for the changes of other providers")
			}
			return fn(tx)
		})
	})
}

func (srv *server) session(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	if srv.slots != nil {
		select {
		case srv.slots <- struct{}{}:
			defer func() { <-srv.slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	conn, err := srv.connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() {
		// A connection must be gone when the next step wants to rename its database, also when ctx is.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
		_ = conn.Close(closing)
	}()
	return fn(conn)
}

func (srv *server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	options, err := srv.config.options(database)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, options)
	if err != nil {
		return nil, explain(err, "cannot connect to database %q on %s:%d as %q",
			options.Database, srv.config.host, srv.config.port, srv.config.username)
	}
	return conn, nil
}

func (cfg config) options(database string) (*pgx.ConnConfig, error) {
	if database == "" {
		database = cfg.database
	}
	settings := []string{
		"host=" + conninfoValue(cfg.host),
		"port=" + strconv.Itoa(cfg.port),
		"user=" + conninfoValue(cfg.username),
		"dbname=" + conninfoValue(database),
		"sslmode=" + conninfoValue(cfg.sslMode),
		"application_name=pulumi-resource-" + Name,
		"client_encoding=UTF8",
	}
	if cfg.sslRootCert != "" {
		settings = append(settings, "sslrootcert="+conninfoValue(cfg.sslRootCert))
	}
	options, err := pgx.ParseConfig(strings.Join(settings, " "))
	if err != nil {
		return nil, fmt.Errorf("the configuration of the postgresql provider is not usable: %w. "+
			"Mend postgresql:sslmode or postgresql:sslrootcert", err)
	}
	// Not through the settings: an error of theirs would show it.
	if cfg.password != "" {
		options.Password = cfg.password
	}
	options.ConnectTimeout = cfg.connectTimeout
	// Statements run once: preparing them would be a round trip for nothing, and fails behind some poolers.
	options.DefaultQueryExecMode = pgx.QueryExecModeExec
	// A cancelled update cancels the statement on the server too.
	options.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
	}
	return options, nil
}

// conninfoValue quotes a value for a connection string.
func conninfoValue(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// serverVersion is the server's major version, such as 15.
func serverVersion(conn *pgx.Conn) int {
	major := conn.PgConn().ParameterStatus("server_version")
	if end := strings.IndexFunc(major, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		major = major[:end]
	}
	n, _ := strconv.Atoi(major)
	return n
}

// user is the role that owns what this provider creates.
func (srv *server) user(ctx context.Context, q querier) (string, error) {
	if srv.config.databaseUsername != "" {
		return srv.config.databaseUsername, nil
	}
	var name string
	if err := q.QueryRow(ctx, "SELECT current_user").Scan(&name); err != nil {
		return "", explain(err, "cannot find out the current role")
	}
	return name, nil
}
