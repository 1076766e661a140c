package postgresql

import (
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"rewind.dev/toolchain/plugins/plugintest"
)

func propertyKey(name string) resource.PropertyKey { return resource.PropertyKey(name) }

// declared pairs each resource with its interface in the npm package.
var declared = map[string][2]string{
	roleToken:      {"postgresql/role.d.ts", "RoleArgs"},
	databaseToken:  {"postgresql/database.d.ts", "DatabaseArgs"},
	schemaToken:    {"postgresql/schema.d.ts", "SchemaArgs"},
	extensionToken: {"postgresql/extension.d.ts", "ExtensionArgs"},
	grantToken:     {"postgresql/grant.d.ts", "GrantArgs"},
}

func TestEveryPropertyOfTheNpmPackageIsSupportedOrRefusedByName(t *testing.T) {
	plugin := plugintest.Start(t, New())
	schema := plugin.Schema(t)
	for token, where := range declared {
		all := plugintest.Declared(t, where[0], where[1])
		known := map[string]bool{}
		for _, name := range all {
			known[name] = true
		}
		for _, name := range schema.Inputs(token) {
			if !known[name] {
				t.Errorf("%s has %s, which the npm package does not", token, name)
			}
			delete(known, name)
		}
		for name := range known {
			_, failures := plugin.Resource(token, "x").Check(t, props{name: "some value"})
			if !strings.Contains(failures[name], name) || !strings.Contains(failures[name], "not supported") {
				t.Errorf("%s: %s is neither supported nor refused by name: %v", token, name, failures)
			}
		}
	}
}

func TestEveryConfigurationValueOfTheNpmPackageIsSupportedOrRefusedByName(t *testing.T) {
	plugin := plugintest.Start(t, New())
	known := map[string]bool{}
	for _, name := range plugintest.Declared(t, "postgresql/provider.d.ts", "ProviderArgs") {
		known[name] = true
	}
	for _, name := range plugin.Schema(t).ConfigNames() {
		if !known[name] {
			t.Errorf("the configuration has %s, which the npm package does not", name)
		}
		delete(known, name)
	}
	for name := range known {
		_, failures := plugin.CheckSetUp(t, props{name: "some value"})
		if !strings.Contains(failures[name], name) {
			t.Errorf("%s is neither supported nor refused by name: %v", name, failures)
		}
	}
}

func TestOtherResourcesAndFunctionsAreRefusedByName(t *testing.T) {
	plugin := plugintest.Start(t, New())
	for _, token := range []string{
		"postgresql:index/defaultPrivileges:DefaultPrivileges", "postgresql:index/defaultPrivileg:DefaultPrivileg",
		"postgresql:index/function:Function", "postgresql:index/grantRole:GrantRole",
		"postgresql:index/physicalReplicationSlot:PhysicalReplicationSlot", "postgresql:index/publication:Publication",
		"postgresql:index/replicationSlot:ReplicationSlot", "postgresql:index/securityLabel:SecurityLabel",
		"postgresql:index/server:Server", "postgresql:index/subscription:Subscription", "postgresql:index/userMapping:UserMapping",
	} {
		other := plugin.Resource(token, "x")
		if _, failures := other.Check(t, props{}); !strings.Contains(failures[""], token) {
			t.Errorf("%s is not refused: %v", token, failures)
		}
		other.ID, other.State = "x", resource.PropertyMap{}
		expectError(t, other.Delete(t), token)
	}
	for _, token := range []string{
		"postgresql:index/getSchemas:getSchemas", "postgresql:index/getTables:getTables", "postgresql:index/getSequences:getSequences",
	} {
		_, err := plugin.Invoke(t.Context(), &rpc.InvokeRequest{Tok: token})
		expectError(t, err, token)
	}
}

func TestPropertiesThatDoNotExistOrDoNotFitAreRefusedByName(t *testing.T) {
	plugin := plugintest.Start(t, New())
	_, failures := plugin.Resource(roleToken, "x").Check(t, props{
		"colour": "red", "name": strings.Repeat("é", 32), "login": "perhaps", "connectionLimit": 1.5, "statementTimeout": -1.0,
		"roles": "one", "searchPaths": list("a", 1.0), "assumeRole": "a\x00b", "encryptedPassword": false,
	})
	for _, property := range []string{
		"colour", "name", "login", "connectionLimit", "statementTimeout", "roles", "searchPaths", "assumeRole", "encryptedPassword",
	} {
		if !strings.Contains(failures[property], property) {
			t.Errorf("%s is not refused: %v", property, failures[property])
		}
	}
}

func TestAPreviewNeedsNoServer(t *testing.T) {
	plugin := plugintest.Start(t, New())
	if err := plugin.SetUp(t, props{"host": localhost, "port": "1"}); err != nil {
		t.Fatal(err)
	}
	role := plugin.Resource(roleToken, "r")
	preview := role.Preview(t, props{"name": plugintest.Unknown(), "password": plugintest.Unknown(), "roles": list("a", plugintest.Unknown())})
	for _, name := range []string{"id", "name", "roles"} {
		if !preview[propertyKey(name)].IsComputed() {
			t.Errorf("%s is %v in the preview, not unknown", name, preview[propertyKey(name)])
		}
	}
	if password := preview["password"]; !password.IsSecret() || !password.SecretValue().Element.IsComputed() {
		t.Errorf("the password is %v in the preview, not a secret unknown", password)
	}
	err := role.Create(t, props{"name": "r"})
	expectError(t, err, "cannot connect", localhost+":1", "host and port")
}

func TestAnUnknownChangesWhatDependsOnItAndNoMore(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	name := unique(t, "db")
	database.MustCreate(t, props{"name": name})
	expect(t, "diff", changedBy(database.Diff(t, props{"name": name, "owner": plugintest.Unknown()})), []string{"owner"})
	preview := database.Preview(t, props{"name": name, "owner": plugintest.Unknown()})
	if !preview["owner"].IsComputed() || preview["encoding"].IsComputed() {
		t.Errorf("the preview is %v", preview)
	}
}

func TestSecretInputsAreSecretInTheState(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	name := unique(t, "role")
	role.MustCreate(t, props{"name": plugintest.Secret(name), "login": true})
	if !role.State["name"].IsSecret() {
		t.Errorf("the name is no longer secret: %v", role.State["name"])
	}
	role.Refresh(t)
	if !role.State["name"].IsSecret() {
		t.Errorf("the name is no longer secret after a read: %v", role.State["name"])
	}
}

func TestNamesOfAllKindsWorkInEveryPlace(t *testing.T) {
	plugin := start(t)
	for i, name := range []string{
		"lower", "Mixed Case", `double "quotes"`, "single 'quotes'", `back\slash`, "select", "dots.in.it", "semi;colon--", "$1 %s {}",
		"ünïcödé ✓", "日本語", strings.Repeat("x", maxIdentifier), " leading and trailing ", "new\nline",
	} {
		t.Run(name, func(t *testing.T) {
			role := plugin.Resource(roleToken, "role")
			role.MustCreate(t, props{"name": name, "password": plugintest.Secret(name), "login": true})
			expectSilent(t, role)
			if _, err := connect(t, "postgres", name, name); err != nil {
				t.Errorf("the role cannot sign in: %v", err)
			}
			member := plugin.Resource(roleToken, "member")
			member.MustCreate(t, props{"name": "member " + strconv.Itoa(i), "roles": list(name), "assumeRole": name, "searchPaths": list(name)})
			expectSilent(t, member)
			database := plugin.Resource(databaseToken, "database")
			database.MustCreate(t, props{"name": name, "owner": name})
			expectSilent(t, database)
			schema := plugin.Resource(schemaToken, "schema")
			schema.MustCreate(t, props{"name": name, "database": name, "owner": name})
			expectSilent(t, schema)
			extension := plugin.Resource(extensionToken, "extension")
			extension.MustCreate(t, props{"name": "uuid-ossp", "database": name, "schema": name})
			expectSilent(t, extension)
			sql(t, name, "CREATE TABLE "+qualified(name, name)+" ("+ident(name)+" int)")
			for _, inputs := range []props{
				{"objectType": "database", "privileges": list("ALL")},
				{"objectType": "schema", "schema": name, "privileges": list("ALL")},
				{"objectType": "table", "schema": name, "objects": list(name), "privileges": list("ALL")},
				{"objectType": "column", "schema": name, "objects": list(name), "columns": list(name), "privileges": list("SELECT")},
				{"objectType": "function", "schema": name, "objects": list("uuid_nil()"), "privileges": list("EXECUTE")},
			} {
				inputs["role"], inputs["database"] = "member "+strconv.Itoa(i), name
				grant := plugin.Resource(grantToken, "grant")
				grant.MustCreate(t, inputs)
				expectSilent(t, grant)
				grant.MustDelete(t)
			}
			sql(t, name, "DROP TABLE "+qualified(name, name))
			for _, made := range []*plugintest.Resource{extension, schema, database, member, role} {
				made.MustDelete(t)
			}
		})
	}
}

func TestARoleThatIsNoSuperuserCanManageADatabase(t *testing.T) {
	needCluster(t)
	manager := unique(t, "manager")
	sql(t, "postgres", "CREATE ROLE "+ident(manager)+" LOGIN CREATEDB CREATEROLE PASSWORD 'pw'")
	plugin := start(t, props{"username": manager, "password": plugintest.Secret("pw"), "superuser": "false"})
	owner, name := unique(t, "owner"), unique(t, "db")
	role := plugin.Resource(roleToken, "owner")
	role.MustCreate(t, props{"name": owner, "login": true, "password": plugintest.Secret("x")})
	expectSilent(t, role)
	database := plugin.Resource(databaseToken, "db")
	database.MustCreate(t, props{"name": name, "owner": owner})
	expectSilent(t, database)
	schema := plugin.Resource(schemaToken, "s")
	schema.MustCreate(t, props{"name": "s", "database": name, "owner": owner})
	expectSilent(t, schema)
	grant := plugin.Resource(grantToken, "g")
	grant.MustCreate(t, props{"role": "public", "database": name, "schema": "s", "objectType": "schema", "privileges": list("USAGE")})
	expectSilent(t, grant)
	expect(t, "memberships left behind", ask(t, "postgres", "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole", ident(manager)), "0")
	for _, made := range []*plugintest.Resource{grant, schema, database, role} {
		made.MustDelete(t)
	}
}

func TestCancelStopsAStatementThatWaits(t *testing.T) {
	plugin := start(t)
	name := unique(t, "schema")
	schema := plugin.Resource(schemaToken, "s")
	schema.MustCreate(t, props{"name": name})
	locker, err := connect(t, "postgres", admin, "")
	if err != nil {
		t.Fatal(err)
	}
	sql(t, "postgres", "CREATE TABLE "+qualified(name, "held")+" (i int)")
	if _, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE "+qualified(name, "held")); err != nil {
		t.Fatal(err)
	}
	schema.MustUpdate(t, props{"name": name, "dropCascade": true})
	failed := make(chan error, 1)
	go func() { failed <- schema.Delete(t) }()
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'pulumi-resource-postgresql'"
	eventually(t, "the statement waits", func() bool { return ask(t, "postgres", waiting) == "1" })
	if _, err := plugin.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		expectError(t, err, "cannot delete schema")
	case <-time.After(5 * time.Second):
		t.Fatal("the cancelled delete does not return")
	}
	eventually(t, "the statement is gone from the server", func() bool { return ask(t, "postgres", waiting) == "0" })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so: %s", what)
		}
	}
}

func TestNoConnectionIsKept(t *testing.T) {
	plugin := start(t)
	role := plugin.Resource(roleToken, "r")
	role.MustCreate(t, props{"name": unique(t, "role")})
	expectSilent(t, role)
	eventually(t, "no connection is open", func() bool {
		return ask(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pulumi-resource-postgresql'") == "0"
	})
}

func TestAWrongPasswordAndAServerWithoutTLSAreExplained(t *testing.T) {
	needCluster(t)
	name := unique(t, "user")
	sql(t, "postgres", "CREATE ROLE "+ident(name)+" LOGIN PASSWORD 'right'")
	plugin := start(t, props{"username": name, "password": plugintest.Secret("wrong-password")})
	err := plugin.Resource(roleToken, "r").Create(t, props{"name": "r"})
	expectError(t, err, "cannot connect", "28P01", "username and password")
	if strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("the password is in the error: %v", err)
	}
	plugin = plugintest.Start(t, New())
	if err := plugin.SetUp(t, props{"host": localhost, "port": strconv.Itoa(cluster.port), "username": admin}); err != nil {
		t.Fatal(err)
	}
	expectError(t, plugin.Resource(roleToken, "r").Create(t, props{"name": "r"}), "TLS", "sslmode")
}

func TestTheConfigurationComesFromTheEnvironmentToo(t *testing.T) {
	needCluster(t)
	for name, value := range map[string]string{
		"PGHOST": localhost, "PGPORT": strconv.Itoa(cluster.port), "PGUSER": admin, "PGSSLMODE": "disable", "PGDATABASE": "template1",
	} {
		t.Setenv(name, value)
	}
	plugin := plugintest.Start(t, New())
	if err := plugin.SetUp(t, props{}); err != nil {
		t.Fatal(err)
	}
	schema := plugin.Resource(schemaToken, "s")
	schema.MustCreate(t, props{"name": unique(t, "schema")})
	expect(t, "id", schema.ID, "template1."+unique(t, "schema"))
	schema.MustDelete(t)

	t.Setenv("PGPORT", "many")
	plugin = plugintest.Start(t, New())
	expectError(t, plugin.SetUp(t, props{}), "PGPORT", "many", "postgresql:port")
}

func TestTheConfigurationIsCheckedAndCompared(t *testing.T) {
	plugin := plugintest.Start(t, New())
	checked, failures := plugin.CheckSetUp(t, props{
		"host": "h", "port": "5433", "superuser": "false", "password": "pw", "version": "3.18.1", "awsRdsIamAuth": "false",
	})
	expect(t, "failures", failures, map[string]string{})
	expect(t, "port as it came", checked["port"].Mappable(), any("5433"))
	if !checked["password"].IsSecret() {
		t.Error("the password is not secret")
	}
	if _, marked := checked["__pulumi-go-provider-version"]; marked {
		t.Error("the framework's version is in the state, where the official plugin has none")
	}
	_, failures = plugin.CheckSetUp(t, props{
		"colour": "red", "port": "many", "sslmode": "sometimes", "scheme": "awspostgres", "connectTimeout": "-2",
		"expectedVersion": "new", "awsRdsIamAuth": "true", "clientcert": `{"cert":"a","key":"b"}`,
	})
	var refused []string
	for name := range failures {
		refused = append(refused, name)
	}
	sort.Strings(refused)
	expect(t, "refused", refused, []string{"awsRdsIamAuth", "clientcert", "colour", "connectTimeout", "expectedVersion", "port", "scheme", "sslmode"})

	diff := plugin.DiffSetUp(t, props{"host": "a", "port": "1"}, props{"host": "b", "port": "1"})
	expect(t, "diff", changedBy(diff), []string{"host"})
	expect(t, "diff of the same", changedBy(plugin.DiffSetUp(t, props{"host": "a"}, props{"host": "a", "version": "3"})), []string(nil))
}
