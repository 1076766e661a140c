package postgresql

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"rewind.dev/toolchain/plugins/plugintest"
)

const roleToken = "postgresql:index/role:Role"

func TestARoleIsCreatedAsDeclaredAndReadsBackSilently(t *testing.T) {
	plugin := start(t)
	group, other := unique(t, "group"), unique(t, "other")
	sql(t, "postgres", "CREATE ROLE "+ident(group)+"; CREATE ROLE "+ident(other))
	name := unique(t, "role")
	role := plugin.Resource(roleToken, "r")
	role.MustCreate(t, props{
		"name": name, "login": true, "createDatabase": true, "createRole": true, "replication": true, "superuser": true,
		"bypassRowLevelSecurity": true, "inherit": false, "connectionLimit": 7.0, "validUntil": "2031-02-03 04:05:06+00",
		"roles": list(other, group), "searchPaths": list("a b", `q"uoted`, "$user"), "statementTimeout": 1500.0,
		"idleInTransactionSessionTimeout": 2500.0, "assumeRole": group, "password": plugintest.Secret("s3cret"),
	})
	expect(t, "id", role.ID, name)
	expectValues(t, role.State, props{
		"id": name, "name": name, "login": true, "inherit": false, "connectionLimit": 7.0, "roles": list(group, other),
		"searchPaths": list("a b", `q"uoted`, "$user"), "statementTimeout": 1500.0, "assumeRole": group,
		"idleInTransactionSessionTimeout": 2500.0, "password": "s3cret",
	})
	expectSilent(t, role)
	expect(t, "attributes", ask(t, "postgres", `SELECT row(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
		rolreplication, rolbypassrls, rolconnlimit) FROM pg_roles WHERE rolname = $1`, name), "(t,f,t,t,t,t,t,7)")
}

func TestARoleWithDefaultsOnlyReadsBackSilently(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	role.MustCreate(t, props{"name": unique(t, "role")})
	expectValues(t, role.State, props{
		"login": false, "superuser": false, "inherit": true, "connectionLimit": -1.0, "validUntil": "infinity",
		"encryptedPassword": true, "roles": list(), "searchPaths": list(), "assumeRole": "", "password": nil,
	})
	expectSilent(t, role)
}

func TestARoleIsUpdatedAndRenamed(t *testing.T) {
	plugin := start(t)
	group, other := unique(t, "group"), unique(t, "other")
	sql(t, "postgres", "CREATE ROLE "+ident(group)+"; CREATE ROLE "+ident(other))
	before, after := unique(t, "before"), unique(t, "after")
	role := plugin.Resource(roleToken, "r")
	role.MustCreate(t, props{"name": before, "roles": list(group), "searchPaths": list("a"), "statementTimeout": 5.0, "superuser": true})

	changed := props{"name": after, "login": true, "roles": list(other), "connectionLimit": 3.0, "assumeRole": other}
	expect(t, "diff", changedBy(role.Diff(t, changed)), []string{
		"assumeRole", "connectionLimit", "login", "name", "roles", "searchPaths", "statementTimeout", "superuser",
	})
	role.MustUpdate(t, changed)
	expectValues(t, role.State, props{
		"id": after, "name": after, "login": true, "superuser": false, "roles": list(other), "searchPaths": list(),
		"statementTimeout": 0.0, "assumeRole": other,
	})
	expectSilent(t, role)

	// The engine still has the id from before the rename.
	role.ID = before
	expectSilent(t, role)
	role.MustDelete(t)
	expect(t, "the role", ask(t, "postgres", "SELECT count(*) FROM pg_roles WHERE rolname IN ($1, $2)", before, after), "0")
}

func TestDriftOfARoleShowsAndIsPutRight(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	name := unique(t, "role")
	inputs := props{"name": name, "login": true, "connectionLimit": 5.0}
	role.MustCreate(t, inputs)
	sql(t, "postgres", "ALTER ROLE "+ident(name)+" NOLOGIN CREATEDB CONNECTION LIMIT 9; ALTER ROLE "+ident(name)+
		" SET statement_timeout TO '2s'; ALTER ROLE "+ident(name)+" SET search_path TO x, \"y z\"")
	role.Refresh(t)
	expect(t, "drift", changedBy(role.Drift(t)), []string{"connectionLimit", "createDatabase", "login", "searchPaths", "statementTimeout"})
	expectValues(t, role.State, props{"statementTimeout": 2000.0, "searchPaths": list("x", "y z")})
	role.MustUpdate(t, inputs)
	expectSilent(t, role)
}

func TestTheOrderOfRolesIsNoDifferenceAndThatOfSearchPathsIs(t *testing.T) {
	plugin := start(t)
	a, b := unique(t, "a"), unique(t, "b")
	sql(t, "postgres", "CREATE ROLE "+ident(a)+"; CREATE ROLE "+ident(b))
	role := plugin.Resource(roleToken, "r")
	inputs := props{"name": unique(t, "role"), "roles": list(b, a, b), "searchPaths": list("x", "y")}
	role.MustCreate(t, inputs)
	inputs["roles"] = list(a, b)
	expect(t, "another order of roles", changedBy(role.Diff(t, inputs)), []string(nil))
	inputs["searchPaths"] = list("y", "x")
	expect(t, "another order of searchPaths", changedBy(role.Diff(t, inputs)), []string{"searchPaths"})
}

func TestATimeWrittenInAnotherWayIsNoDrift(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	role.MustCreate(t, props{"name": unique(t, "role"), "validUntil": "2031-02-03"})
	expectValues(t, role.State, props{"validUntil": "2031-02-03"})
	expectSilent(t, role)
}

func TestPasswordsWorkAndStayOutOfTheLogOfTheServer(t *testing.T) {
	plugin := start(t)
	for name, password := range map[string]string{
		"plain": "correct-horse", "quotes": `it's "quoted" \ and $1`, "non-ASCII": "pässwörd ✓", "no-break space": "a\u00a0b",
		// SASLprep turns it into "fi IX".
		"compatibility characters": "\uFB01 \u2168",
		// What Pulumi's own generators make.
		"long": strings.Repeat("aB3$", 60),
	} {
		t.Run(name, func(t *testing.T) {
			role := plugin.Resource(roleToken, "r")
			user := unique(t, "user")
			inputs := props{"name": user, "login": true, "password": plugintest.Secret(password)}
			role.MustCreate(t, inputs)
			// Not every driver prepares such passwords as Postgres does; its own client does.
			psql := exec.Command(filepath.Join(cluster.bin, "psql"), "--host", localhost, "--port", strconv.Itoa(cluster.port),
				"--username", user, "--dbname", "postgres", "--no-password", "--command", "SELECT 1")
			psql.Env = append(os.Environ(), "PGPASSWORD="+password)
			if output, err := psql.CombinedOutput(); err != nil {
				t.Errorf("cannot sign in: %v: %s", err, output)
			}
			if !role.State["password"].IsSecret() || !role.Inputs["password"].IsSecret() {
				t.Error("the password is not secret")
			}
			expectSilent(t, role)
			if log := serverLog(t); strings.Contains(log, password) || strings.Contains(log, strings.ReplaceAll(password, "'", "''")) {
				t.Error("the password is in the server's log")
			}
		})
	}
}

func TestAPasswordIsSecretEvenIfTheProgramDoesNotSaySo(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	inputs := props{"name": unique(t, "role"), "login": true, "password": "careless"}
	if preview := role.Preview(t, inputs); !preview["password"].IsSecret() {
		t.Error("the password is not secret in the preview")
	}
	role.MustCreate(t, inputs)
	if !role.Inputs["password"].IsSecret() || !role.State["password"].IsSecret() {
		t.Error("the password is not secret")
	}
	err := createAnother(t, role, inputs)
	expectError(t, err, "already exists", "42710", "pulumi import")
	if strings.Contains(err.Error(), "careless") {
		t.Errorf("the password is in the error: %v", err)
	}
}

// createAnother creates a second resource like the first.
func createAnother(t *testing.T, like *plugintest.Resource, inputs props) error {
	t.Helper()
	return like.Another("again").Create(t, inputs)
}

func TestAPasswordIsChangedRemovedAndHashedAsTheServerWantsIt(t *testing.T) {
	plugin := start(t)
	name := unique(t, "user")
	role := plugin.Resource(roleToken, "r")
	inputs := func(password string) props {
		return props{"name": name, "login": true, "password": plugintest.Secret(password)}
	}
	stored := func() string { return ask(t, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = $1", name) }
	role.MustCreate(t, inputs("first"))
	if !strings.HasPrefix(stored(), "SCRAM-SHA-256$4096:") {
		t.Errorf("the server has %q", stored())
	}

	role.MustUpdate(t, inputs("second"))
	if _, err := connect(t, "postgres", name, "second"); err != nil {
		t.Errorf("cannot sign in with the new password: %v", err)
	}

	role.MustUpdate(t, inputs("NULL"))
	expect(t, "the password after NULL", stored(), "")
	expectSilent(t, role)

	hash := md5Hash(name, "third")
	role.MustUpdate(t, inputs(hash))
	expect(t, "a password that is a hash already", stored(), hash)
	expectSilent(t, role)

	sql(t, "postgres", "ALTER ROLE "+admin+" SET password_encryption TO md5")
	defer sql(t, "postgres", "ALTER ROLE "+admin+" RESET password_encryption")
	role.MustUpdate(t, inputs("fourth"))
	expect(t, "the password of a server that wants md5", stored(), md5Hash(name, "fourth"))
	expectSilent(t, role)
	// An MD5 hash has the name in it.
	renamed := inputs("fourth")
	renamed["name"] = unique(t, "renamed")
	role.MustUpdate(t, renamed)
	name = unique(t, "renamed")
	expect(t, "the password after a rename", stored(), md5Hash(name, "fourth"))
}

func TestAPasswordThatSomebodyChangedIsDrift(t *testing.T) {
	plugin := start(t)
	name := unique(t, "user")
	role := plugin.Resource(roleToken, "r")
	inputs := props{"name": name, "login": true, "password": plugintest.Secret("ours")}
	role.MustCreate(t, inputs)
	sql(t, "postgres", "ALTER ROLE "+ident(name)+" PASSWORD 'theirs'")
	role.Refresh(t)
	expect(t, "drift", changedBy(role.Drift(t)), []string{"password"})
	if !role.State["password"].IsSecret() {
		t.Error("the drifted password is not secret")
	}
	role.MustUpdate(t, inputs)
	if _, err := connect(t, "postgres", name, "ours"); err != nil {
		t.Errorf("cannot sign in after the update: %v", err)
	}
	expectSilent(t, role)

	// With superuser off, the plugin does not look.
	blind := start(t, props{"superuser": "false"}).Resource(roleToken, "r")
	blind.ID, blind.Inputs, blind.State = role.ID, role.Inputs, role.State
	sql(t, "postgres", "ALTER ROLE "+ident(name)+" PASSWORD 'theirs'")
	expectSilent(t, blind)
}

func TestDeletingARoleGivesAwayWhatItOwns(t *testing.T) {
	plugin := start(t)
	name := unique(t, "owner")
	role := plugin.Resource(roleToken, "r")
	role.MustCreate(t, props{"name": name})
	table := ident(unique(t, "table"))
	sql(t, "postgres", "CREATE TABLE "+table+" (i int); ALTER TABLE "+table+" OWNER TO "+ident(name))
	role.MustDelete(t)
	expect(t, "the table's owner", ask(t, "postgres", "SELECT tableowner FROM pg_tables WHERE tablename = $1", unique(t, "table")), admin)
	if role.Refresh(t) {
		t.Error("the role is still there")
	}
	sql(t, "postgres", "DROP TABLE "+table)
}

func TestSkipDropRoleAndSkipReassignOwnedLeaveThings(t *testing.T) {
	plugin := start(t)
	kept := unique(t, "kept")
	role := plugin.Resource(roleToken, "kept")
	role.MustCreate(t, props{"name": kept, "skipDropRole": true})
	expectSilent(t, role)
	role.MustDelete(t)
	expect(t, "roles", ask(t, "postgres", "SELECT count(*) FROM pg_roles WHERE rolname = $1", kept), "1")

	owner := unique(t, "owner")
	role = plugin.Resource(roleToken, "owner")
	role.MustCreate(t, props{"name": owner, "skipReassignOwned": true})
	sql(t, "postgres", "CREATE SCHEMA AUTHORIZATION "+ident(owner))
	expectError(t, role.Delete(t), "cannot delete role", owner, "2BP01")
	sql(t, "postgres", "DROP SCHEMA "+ident(owner))
	role.MustDelete(t)
}

func TestAMissingRoleReadsAsGoneAndDeletesQuietly(t *testing.T) {
	role := start(t).Resource(roleToken, "r")
	name := unique(t, "role")
	role.MustCreate(t, props{"name": name})
	sql(t, "postgres", "DROP ROLE "+ident(name))
	if role.Refresh(t) {
		t.Error("the role is not gone")
	}
	role.MustDelete(t)
}

func TestARoleIsImportedByItsName(t *testing.T) {
	plugin := start(t)
	name := unique(t, "role")
	sql(t, "postgres", "CREATE ROLE "+ident(name)+" LOGIN CONNECTION LIMIT 4 PASSWORD 'unknown to us'")
	role := plugin.Resource(roleToken, "r")
	found, err := role.Import(t, name)
	if err != nil || !found {
		t.Fatalf("found is %v, the error %v", found, err)
	}
	expect(t, "inputs", role.Inputs.Mappable(), props{"__defaults": list(), "name": name, "login": true, "connectionLimit": 4.0})
	expect(t, "diff", changedBy(role.Diff(t, props{"name": name, "login": true, "connectionLimit": 4.0})), []string(nil))
	if found, err := role.Another("x").Import(t, "no such role"); found || err != nil {
		t.Errorf("found is %v, the error %v", found, err)
	}
}

func TestARoleWithoutANameGetsOneAndKeepsIt(t *testing.T) {
	role := start(t).Resource(roleToken, "auto")
	role.MustCreate(t, props{})
	if !strings.HasPrefix(role.ID, "auto-") || len(role.ID) != len("auto-")+7 {
		t.Errorf("the name is %q", role.ID)
	}
	expect(t, "diff", changedBy(role.Diff(t, props{})), []string(nil))
	expectSilent(t, role)
	role.MustDelete(t)
}

// The official plugin writes null where there is nothing after a create, and an encoding of its own beside the state.
func TestARoleInAStateOfTheOfficialPluginIsNoChange(t *testing.T) {
	plugin := start(t)
	name := unique(t, "role")
	sql(t, "postgres", "CREATE ROLE "+ident(name)+" LOGIN")
	role := plugin.Resource(roleToken, "r")
	state := props{
		"__pulumi_raw_state_delta": props{"obj": props{"renamed": props{"searchPaths": "search_path"}}},
		"assumeRole":               "", "bypassRowLevelSecurity": false, "connectionLimit": -1.0, "createDatabase": false, "createRole": false,
		"encrypted": nil, "encryptedPassword": true, "id": name, "idleInTransactionSessionTimeout": 0.0, "inherit": true,
		"login": true, "name": name, "password": plugintest.Secret(nil), "passwordWo": plugintest.Secret(nil),
		"passwordWoVersion": nil, "replication": false, "roles": nil, "searchPaths": nil, "skipDropRole": false,
		"skipReassignOwned": false, "statementTimeout": 0.0, "superuser": false, "validUntil": "infinity",
	}
	inputs := props{"name": name, "login": true}
	role.ID, role.State = name, resource.NewPropertyMapFromMap(state)
	role.Inputs, _ = role.Check(t, inputs)
	expect(t, "diff", changedBy(role.Diff(t, inputs)), []string(nil))

	role.Refresh(t)
	delete(state, "__pulumi_raw_state_delta") // it describes the state as it was, and the official plugin does without
	expect(t, "state after a refresh", role.State.Mappable(), resource.NewPropertyMapFromMap(state).Mappable())
	expect(t, "diff after a refresh", changedBy(role.Diff(t, inputs)), []string(nil))
	role.MustUpdate(t, props{"name": name, "login": true, "connectionLimit": 3.0})
	role.MustDelete(t)
}
