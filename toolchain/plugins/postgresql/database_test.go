package postgresql

import (
	"strconv"
	"testing"
)

const databaseToken = "postgresql:index/database:Database"

func TestADatabaseIsCreatedAsDeclaredAndReadsBackSilently(t *testing.T) {
	plugin := start(t)
	owner, name := unique(t, "owner"), unique(t, "db")
	sql(t, "postgres", "CREATE ROLE "+ident(owner))
	database := plugin.Resource(databaseToken, "d")
	database.MustCreate(t, props{
		"name": name, "owner": owner, "template": "template0", "encoding": "UTF8", "lcCollate": "C", "lcCtype": "C",
		"tablespaceName": "pg_default", "connectionLimit": 5.0, "allowConnections": false, "isTemplate": true,
	})
	expect(t, "id", database.ID, name)
	expectValues(t, database.State, props{
		"id": name, "owner": owner, "template": "template0", "encoding": "UTF8", "connectionLimit": 5.0,
		"allowConnections": false, "isTemplate": true, "alterObjectOwnership": false,
	})
	expectSilent(t, database)
	database.MustDelete(t) // a template to which nothing may connect
	if database.Refresh(t) {
		t.Error("the database is still there")
	}
	database.MustDelete(t)
}

func TestADatabaseWithDefaultsOnlyReadsBackSilently(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	name := unique(t, "db")
	preview := database.Preview(t, props{"name": name})
	for _, computed := range []string{"id", "owner", "template", "encoding", "lcCollate", "lcCtype", "tablespaceName", "isTemplate"} {
		if !preview[propertyKey(computed)].IsComputed() {
			t.Errorf("%s is %v in the preview, not unknown", computed, preview[propertyKey(computed)])
		}
	}
	database.MustCreate(t, props{"name": name})
	expectValues(t, database.State, props{
		"owner": admin, "template": "template0", "encoding": "UTF8", "connectionLimit": -1.0, "allowConnections": true, "isTemplate": false,
	})
	expectSilent(t, database)
}

func TestADatabaseIsUpdatedAndRenamed(t *testing.T) {
	plugin := start(t)
	owner, before, after := unique(t, "owner"), unique(t, "before"), unique(t, "after")
	sql(t, "postgres", "CREATE ROLE "+ident(owner))
	database := plugin.Resource(databaseToken, "d")
	database.MustCreate(t, props{"name": before})
	changed := props{"name": after, "owner": owner, "connectionLimit": 3.0, "isTemplate": true, "allowConnections": false}
	expect(t, "diff", changedBy(database.Diff(t, changed)), []string{"allowConnections", "connectionLimit", "isTemplate", "name", "owner"})
	database.MustUpdate(t, changed)
	expectValues(t, database.State, props{"id": after, "name": after, "owner": owner, "connectionLimit": 3.0})
	expectSilent(t, database)
	// What the program leaves out stays as it is, if it is the server's choice, or goes back to the default.
	database.MustUpdate(t, props{"name": after})
	expectValues(t, database.State, props{"owner": owner, "isTemplate": true, "connectionLimit": -1.0, "allowConnections": true})
	expectSilent(t, database)
	database.MustUpdate(t, props{"name": after, "isTemplate": false})
	expectValues(t, database.State, props{"isTemplate": false})
}

func TestAStepThatFailsLeavesTheDatabaseUnderItsName(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	before := unique(t, "before")
	database.MustCreate(t, props{"name": before})
	expectError(t, database.Update(t, props{"name": unique(t, "after"), "tablespaceName": "nowhere"}), "tablespaceName", "nowhere", strconv.Quote(before))
	expectSilent(t, database)
}

func TestANewOwnerGetsWhatIsInTheDatabaseIfWanted(t *testing.T) {
	plugin := start(t)
	from, to, name := unique(t, "from"), unique(t, "to"), unique(t, "db")
	sql(t, "postgres", "CREATE ROLE "+ident(from)+"; CREATE ROLE "+ident(to))
	database := plugin.Resource(databaseToken, "d")
	database.MustCreate(t, props{"name": name, "owner": from, "alterObjectOwnership": true})
	sql(t, name, "CREATE SCHEMA s AUTHORIZATION "+ident(from))
	database.MustUpdate(t, props{"name": name, "owner": to, "alterObjectOwnership": true})
	expect(t, "owner of the schema", ask(t, name, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's'"), ident(to))
	expectSilent(t, database)
}

func TestWhatADatabaseCannotChangeReplacesIt(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	name := unique(t, "db")
	database.MustCreate(t, props{"name": name})
	changes := props{"template": "template1", "encoding": "SQL_ASCII", "lcCollate": "C.UTF-8", "lcCtype": "C.UTF-8"}
	for property, value := range changes {
		diff := database.Diff(t, props{"name": name, property: value})
		expect(t, "diff of "+property, changedBy(diff), []string{property + "!"})
		expect(t, "replaces", diff.GetReplaces(), []string{property})
		if !diff.GetDeleteBeforeReplace() {
			t.Error("two databases of one name cannot exist")
		}
	}
	// The program states what it got: no change.
	expect(t, "diff", changedBy(database.Diff(t, props{"name": name, "template": "template0", "encoding": "UTF8"})), []string(nil))
	// A name that the plugin made up can be made up again beside the first.
	auto := database.Another("auto")
	auto.MustCreate(t, props{})
	if auto.Diff(t, props{"template": "template1"}).GetDeleteBeforeReplace() {
		t.Error("a database with a made-up name is deleted before its replacement exists")
	}
}

func TestAnotherSpellingOfTheEncodingIsNoDrift(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	database.MustCreate(t, props{"name": unique(t, "db"), "encoding": "utf-8"})
	expectSilent(t, database)
}

func TestDefaultKeywordsThatNeverReadBackAreRefused(t *testing.T) {
	_, failures := start(t).Resource(databaseToken, "d").Check(t, props{
		"name": "x", "encoding": "DEFAULT", "lcCollate": "default", "lcCtype": "DEFAULT", "tablespaceName": "DEFAULT",
	})
	expect(t, "failures", len(failures), 4)
}

func TestADatabaseInUseIsDeletedAllTheSame(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	name := unique(t, "db")
	database.MustCreate(t, props{"name": name})
	if _, err := connect(t, name, admin, ""); err != nil {
		t.Fatal(err)
	}
	database.MustDelete(t)
}

func TestADatabaseIsCopiedFromATemplateThatThePluginJustRead(t *testing.T) {
	plugin := start(t)
	source, copied := unique(t, "source"), unique(t, "copy")
	plugin.Resource(databaseToken, "source").MustCreate(t, props{"name": source})
	schema := plugin.Resource(schemaToken, "s")
	schema.MustCreate(t, props{"name": "s", "database": source})
	schema.Refresh(t)
	plugin.Resource(databaseToken, "copy").MustCreate(t, props{"name": copied, "template": source})
	expect(t, "schemas in the copy", ask(t, copied, "SELECT count(*) FROM pg_namespace WHERE nspname = 's'"), "1")
}

func TestDriftOfADatabaseShowsAndIsPutRight(t *testing.T) {
	plugin := start(t)
	name := unique(t, "db")
	database := plugin.Resource(databaseToken, "d")
	inputs := props{"name": name, "owner": admin, "connectionLimit": 5.0}
	database.MustCreate(t, inputs)
	other := unique(t, "other")
	sql(t, "postgres", "CREATE ROLE "+ident(other)+"; ALTER DATABASE "+ident(name)+" OWNER TO "+ident(other))
	sql(t, "postgres", "ALTER DATABASE "+ident(name)+" CONNECTION LIMIT 6")
	database.Refresh(t)
	expect(t, "drift", changedBy(database.Drift(t)), []string{"connectionLimit", "owner"})
	database.MustUpdate(t, inputs)
	expectSilent(t, database)
}

func TestADatabaseIsImportedByItsName(t *testing.T) {
	database := start(t).Resource(databaseToken, "d")
	name := unique(t, "db")
	sql(t, "postgres", "CREATE DATABASE "+ident(name)+" CONNECTION LIMIT 4")
	if found, err := database.Import(t, name); err != nil || !found {
		t.Fatalf("found is %v, the error %v", found, err)
	}
	inputs := database.Inputs.Mappable()
	delete(inputs, "__defaults")
	expect(t, "name and limit", []any{inputs["name"], inputs["connectionLimit"]}, list(name, 4.0))
	expect(t, "diff", changedBy(database.Diff(t, inputs)), []string(nil))
}

func TestAMissingOwnerIsNamed(t *testing.T) {
	err := start(t).Resource(databaseToken, "d").Create(t, props{"name": unique(t, "db"), "owner": "nobody at all"})
	expectError(t, err, "cannot create database", "nobody at all", "42704", "dependsOn")
}
