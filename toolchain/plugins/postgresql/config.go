package postgresql

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/blang/semver"
)

const (
	defaultHost           = "localhost"
	defaultPort           = 5432
	defaultDatabase       = "postgres"
	defaultUsername       = "postgres"
	defaultSSLMode        = "require" // as the official plugin's driver has it when nothing is said
	defaultConnectTimeout = 180       // seconds
	defaultMaxConnections = 20
)

// configFields are the provider's configuration: `postgresql:<name>` in a stack, or the arguments of `new Provider`.
var configFields = []field{
	{name: "host", kind: text, describe: "Host name, address or directory of the socket. Default: $PGHOST, else localhost."},
	{name: "port", kind: number, describe: "Port. Default: $PGPORT, else 5432."},
	{name: "database", kind: text, identifier: true,
		describe: "The database to connect to for what belongs to none. Default: $PGDATABASE, else postgres."},
	{name: "username", kind: text, describe: "The role to connect as. Default: $PGUSER, else postgres."},
	{name: "password", kind: text, secret: true, describe: "Its password. Default: $PGPASSWORD, else the password file."},
	{name: "sslmode", kind: text, check: checkSSLMode,
		describe: "disable, allow, prefer, require, verify-ca or verify-full. Default: $PGSSLMODE, else require."},
	{name: "sslMode", kind: text, check: checkSSLMode, describe: "The former name of sslmode."},
	{name: "sslrootcert", kind: text, describe: "File with the certificate that the server's must be signed by."},
	{name: "databaseUsername", kind: text, identifier: true,
		describe: "The role that owns what is created, if the server maps `username` to another. Default: the role connected as."},
	{name: "superuser", kind: flag,
		describe: "Whether that role is a superuser, who may read passwords. Default: $PGSUPERUSER, else true."},
	{name: "connectTimeout", kind: number, check: atLeast(-1),
		describe: "Seconds to wait for a connection, without end if 0 or less. Default: $PGCONNECT_TIMEOUT, else 180."},
	{name: "maxConnections", kind: number, check: atLeast(-1),
		describe: "How many connections to have at a time, without limit if 0 or less. Default: 20."},
	{name: "expectedVersion", kind: text, check: checkVersion,
		describe: "The server's version. It is checked for form only: the server tells its version on every connection."},
	{name: "scheme", kind: text, check: checkScheme, describe: "postgres; the cloud schemes are not supported."},
	{name: "clientcert", refused: "use password authentication, or put the certificate into $PGSSLCERT and $PGSSLKEY"},
	{name: "awsRdsIamAuth", refused: noCloudAuth},
	{name: "awsRdsIamProfile", refused: noCloudAuth},
	{name: "awsRdsIamProviderRoleArn", refused: noCloudAuth},
	{name: "awsRdsIamRegion", refused: noCloudAuth},
	{name: "azureIdentityAuth", refused: noCloudAuth},
	{name: "azureTenantId", refused: noCloudAuth},
	{name: "gcpIamImpersonateServiceAccount", refused: noCloudAuth},
}

const noCloudAuth = "it has no sign-in through a cloud. Use username and password"

// config is where and how to connect.
type config struct {
	host, database, username, password string
	sslMode, sslRootCert               string
	databaseUsername                   string
	superuser                          bool
	port                               int
	connectTimeout                     time.Duration // 0: none
	maxConnections                     int           // 0: no limit
}

func newConfig(given values) (config, error) {
	var problem error
	textOr := func(name, variable, fallback string) string {
		if s := given.text(name); s != "" {
			return s
		}
		if s := os.Getenv(variable); variable != "" && s != "" {
			return s
		}
		return fallback
	}
	numberOr := func(name, variable string, fallback int) int {
		if !given.Get(name).IsNull() {
			return given.number(name)
		}
		s := ""
		if variable != "" {
			s = os.Getenv(variable)
		}
		if s == "" {
			return fallback
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			problem = fmt.Errorf("$%s must be a whole number, not %q. Mend it or set postgresql:%s", variable, s, name)
		}
		return n
	}
	superuser := true
	if !given.Get("superuser").IsNull() {
		superuser = given.flag("superuser")
	} else if s := os.Getenv("PGSUPERUSER"); s != "" {
		var err error
		if superuser, err = strconv.ParseBool(s); err != nil {
			problem = fmt.Errorf("$PGSUPERUSER must be true or false, not %q. Mend it or set postgresql:superuser", s)
		}
	}

	cfg := config{
		host:             textOr("host", "PGHOST", defaultHost),
		port:             numberOr("port", "PGPORT", defaultPort),
		database:         textOr("database", "PGDATABASE", defaultDatabase),
		username:         textOr("username", "PGUSER", defaultUsername),
		password:         textOr("password", "PGPASSWORD", ""),
		sslMode:          textOr("sslmode", "PGSSLMODE", textOr("sslMode", "", defaultSSLMode)),
		sslRootCert:      textOr("sslrootcert", "PGSSLROOTCERT", ""),
		databaseUsername: given.text("databaseUsername"),
		superuser:        superuser,
		connectTimeout:   time.Duration(max(0, numberOr("connectTimeout", "PGCONNECT_TIMEOUT", defaultConnectTimeout))) * time.Second,
		maxConnections:   max(0, numberOr("maxConnections", "", defaultMaxConnections)),
	}
	return cfg, problem
}

// checkConfig says what is wrong with the configuration, and returns it as it is: what is in the environment is no
// part of the state.
func checkConfig(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	_, failures := checkFields(configFields, withoutEngineKeys(req.Inputs))
	inputs := req.Inputs
	for _, f := range configFields {
		if value, ok := inputs.GetOk(f.name); ok && f.secret {
			inputs = inputs.Set(f.name, value.WithSecret(true))
		}
	}
	return provider.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

func diffConfig(_ context.Context, req provider.DiffRequest) (provider.DiffResponse, error) {
	before, after := withoutEngineKeys(req.OldInputs), withoutEngineKeys(req.Inputs)
	detail := map[string]provider.PropertyDiff{}
	for _, f := range configFields {
		a, b := before.Get(f.name), after.Get(f.name)
		if plain(a).Equals(plain(b)) {
			continue
		}
		detail[f.name] = provider.PropertyDiff{Kind: diffKind(f, a, b), InputDiff: true}
	}
	return provider.DiffResponse{HasChanges: len(detail) > 0, DetailedDiff: detail}, nil
}

// decodeConfig converts checked configuration to the fields' kinds.
func decodeConfig(args property.Map) values {
	decoded, _ := checkFields(configFields, withoutEngineKeys(args))
	return values{decoded}
}

// withoutEngineKeys drops what the engine puts beside the configuration, and undoes the SDKs' way of encoding what is
// not a string as JSON in a string.
func withoutEngineKeys(args property.Map) property.Map {
	for _, key := range []string{"version", "pluginDownloadURL", "pluginChecksums"} {
		args = args.Delete(key)
	}
	for name, value := range args.All {
		f, ok := find(configFields, name)
		if !ok || f.refused == "" || !value.IsString() {
			continue
		}
		// `false`, `""` and the like of a field that is not supported ask for nothing.
		var decoded any
		if json.Unmarshal([]byte(value.AsString()), &decoded) == nil && (decoded == false || decoded == nil) {
			args = args.Delete(name)
		}
		if value.AsString() == "" {
			args = args.Delete(name)
		}
	}
	return args
}

func atLeast(minimum float64) func(property.Value) string {
	return func(value property.Value) string {
		if value.IsNumber() && value.AsNumber() < minimum {
			return fmt.Sprintf("must be %v or more, not %v", minimum, value.AsNumber())
		}
		return ""
	}
}

func oneOf(allowed ...string) func(property.Value) string {
	return func(value property.Value) string {
		if value.IsString() && !contains(allowed, value.AsString()) {
			return fmt.Sprintf("must be one of %s, not %q", strings.Join(allowed, ", "), value.AsString())
		}
		return ""
	}
}

var checkSSLMode = oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

func checkScheme(value property.Value) string {
	if value.AsString() != "postgres" {
		return fmt.Sprintf("%q is not supported by this build of the postgresql plugin: %s", value.AsString(), noCloudAuth)
	}
	return ""
}

func checkVersion(value property.Value) string {
	if _, err := semver.ParseTolerant(value.AsString()); err != nil {
		return fmt.Sprintf("must be a version such as 15.0.0, not %q", value.AsString())
	}
	return ""
}
