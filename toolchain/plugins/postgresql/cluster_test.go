package postgresql

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rewind.dev/toolchain/plugins/plugintest"
)

// admin is the superuser of the tests' own cluster. It connects without a password, all others with one.
const (
	admin     = "admin"
	localhost = "127.0.0.1"
	// skipVariable, set to anything, skips the tests that need a Postgres server.
	skipVariable = "REWIND_SKIP_POSTGRES_TESTS"
)

var cluster struct {
	bin     string // the folder of Postgres's programs
	port    int
	logFile string
	err     error
}

func TestMain(m *testing.M) {
	stop := func() {}
	if os.Getenv(skipVariable) == "" {
		stop, cluster.err = startCluster()
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// startCluster makes a cluster in a folder of its own and starts it on the loopback interface.
func startCluster() (stop func(), err error) {
	stop = func() {}
	bin, err := serverBinaries()
	if err != nil {
		return stop, err
	}
	cluster.bin = bin
	dir, err := os.MkdirTemp("", "rewind-postgres-")
	if err != nil {
		return stop, err
	}
	stop = func() { _ = os.RemoveAll(dir) }
	// Postgres does not run as root.
	var attributes syscall.SysProcAttr
	if os.Geteuid() == 0 {
		if attributes.Credential, err = unprivileged(dir); err != nil {
			return stop, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = dir, &attributes
		return cmd
	}
	data := filepath.Join(dir, "data")
	initdb := command(filepath.Join(bin, "initdb"), "--pgdata", data, "--username", admin, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return stop, fmt.Errorf("initdb: %w: %s", err, output)
	}
	rules := fmt.Sprintf("host all %s %s/32 trust\nhost all all %s/32 scram-sha-256\n", admin, localhost, localhost)
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return stop, err
	}
	if cluster.port, err = freePort(); err != nil {
		return stop, err
	}
	cluster.logFile = filepath.Join(dir, "log")
	log, err := os.Create(cluster.logFile)
	if err != nil {
		return stop, err
	}
	defer func() { _ = log.Close() }()

	// The shell stops the server when its standard input closes, as it does when the tests crash.
	server := command("/bin/sh", "-c", `"$@" & cat > /dev/null; kill -INT $!; wait`, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(cluster.port), "-k", "",
		"-c", "listen_addresses="+localhost, "-c", "fsync=off", "-c", "log_statement=all", "-c", "max_connections=60")
	server.Stdout, server.Stderr = log, log
	alive, err := server.StdinPipe()
	if err != nil {
		return stop, err
	}
	if err := server.Start(); err != nil {
		return stop, err
	}
	return func() {
		_ = alive.Close()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}, awaitServer()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", localhost+":0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// awaitServer waits until the server takes connections.
func awaitServer() error {
	const patience = time.Minute
	address := fmt.Sprintf("postgres://%s@%s:%d/postgres?sslmode=disable", admin, localhost, cluster.port)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), address)
		if err == nil {
			return conn.Close(context.Background())
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(cluster.logFile)
			return fmt.Errorf("the server does not take connections: %w: %s", err, log)
		}
	}
}

// serverBinaries is the folder with Postgres's server programs: of the PATH, or where Debian has them.
func serverBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("these tests need a Postgres server's programs: install them (Debian: `apt-get install "+
			"postgresql`), put initdb on the PATH, or skip the tests with %s=1", skipVariable)
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged gives dir to a user who is not root and returns who that is.
func unprivileged(dir string) (*syscall.Credential, error) {
	name := "postgres"
	account, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("Postgres does not run as root, and there is no user %s: %w", name, err)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

type props = plugintest.Map

// start runs the plugin, configured for the tests' cluster and whatever else is given.
func start(t *testing.T, extra ...props) *plugintest.Plugin {
	t.Helper()
	needCluster(t)
	configuration := props{
		"host": localhost, "port": strconv.Itoa(cluster.port), "username": admin, "sslmode": "disable",
	}
	for _, more := range extra {
		for name, value := range more {
			configuration[name] = value
		}
	}
	plugin := plugintest.Start(t, New())
	if err := plugin.SetUp(t, configuration); err != nil {
		t.Fatal(err)
	}
	return plugin
}

func needCluster(t *testing.T) {
	t.Helper()
	if os.Getenv(skipVariable) != "" {
		t.Skipf("needs a Postgres server, and %s is set", skipVariable)
	}
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
}

// connect opens a connection to the cluster as a role.
func connect(t *testing.T, database, role, password string) (*pgx.Conn, error) {
	t.Helper()
	options, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d sslmode=disable", localhost, cluster.port))
	if err != nil {
		t.Fatal(err)
	}
	options.Database, options.User, options.Password = database, role, password
	conn, err := pgx.ConnectConfig(t.Context(), options)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	}
	return conn, err
}

// sql runs statements as the superuser, in the database of that name.
func sql(t *testing.T, database, statements string) {
	t.Helper()
	conn, err := connect(t, database, admin, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.PgConn().Exec(t.Context(), statements).ReadAll(); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// ask returns the one value that a query gives, as text.
func ask(t *testing.T, database, query string, args ...any) string {
	t.Helper()
	conn, err := connect(t, database, admin, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var answer *string
	if err := conn.QueryRow(t.Context(), "SELECT ("+query+")::text", args...).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if answer == nil {
		return ""
	}
	return *answer
}

func serverLog(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(cluster.logFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// tests numbers the tests that have run in this process.
var tests sync.Map

// unique is a name that no other test uses, nor another run of this one, with characters that need quoting.
func unique(t *testing.T, name string) string {
	number, _ := tests.LoadOrStore(t, testCount.Add(1))
	return fmt.Sprintf(`%s "%d" é`, name, number)
}

var testCount atomic.Int64
