package postgresql

import "testing"

const (
	schemaToken    = "postgresql:index/schema:Schema"
	extensionToken = "postgresql:index/extension:Extension"
)

func TestASchemaLivesInItsDatabase(t *testing.T) {
	plugin := start(t)
	database, owner, name, renamed := unique(t, "db"), unique(t, "owner"), unique(t, "schema"), unique(t, "renamed")
	sql(t, "postgres", "CREATE DATABASE "+ident(database))
	sql(t, "postgres", "CREATE ROLE "+ident(owner))
	schema := plugin.Resource(schemaToken, "s")
	preview := schema.Preview(t, props{"name": name})
	for _, computed := range []string{"id", "database", "owner"} {
		if !preview[propertyKey(computed)].IsComputed() {
			t.Errorf("%s is not unknown in the preview", computed)
		}
	}
	schema.MustCreate(t, props{"name": name, "database": database, "owner": owner})
	expect(t, "id", schema.ID, database+"."+name)
	expectValues(t, schema.State, props{"id": database + "." + name, "owner": owner, "ifNotExists": true, "dropCascade": false})
	expectSilent(t, schema)
	expect(t, "the owner in the database", ask(t, database, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = $1", name), ident(owner))

	changed := props{"name": renamed, "database": database, "owner": admin, "dropCascade": true}
	expect(t, "diff", changedBy(schema.Diff(t, changed)), []string{"dropCascade", "name", "owner"})
	expect(t, "diff of the database", changedBy(schema.Diff(t, props{"name": name, "database": "postgres", "owner": owner})), []string{"database!"})
	schema.MustUpdate(t, changed)
	expectValues(t, schema.State, props{"id": database + "." + renamed, "owner": admin})
	expectSilent(t, schema)

	sql(t, database, "CREATE TABLE "+qualified(renamed, "t")+" (i int)")
	schema.MustDelete(t)
	if schema.Refresh(t) {
		t.Error("the schema is still there")
	}
	schema.MustDelete(t)
}

func TestASchemaThatIsNotEmptyIsKeptUnlessCascadeIsSet(t *testing.T) {
	schema := start(t).Resource(schemaToken, "s")
	name := unique(t, "schema")
	schema.MustCreate(t, props{"name": name})
	expect(t, "id", schema.ID, "postgres."+name)
	sql(t, "postgres", "CREATE TABLE "+qualified(name, "t")+" (i int)")
	expectError(t, schema.Delete(t), "cannot delete schema", "depends on", "dropCascade")
	schema.MustUpdate(t, props{"name": name, "dropCascade": true})
	schema.MustDelete(t)
}

func TestAnExistingSchemaIsTakenOverOnlyIfAllowed(t *testing.T) {
	plugin := start(t)
	owner, name := unique(t, "owner"), unique(t, "schema")
	sql(t, "postgres", "CREATE ROLE "+ident(owner)+"; CREATE SCHEMA "+ident(name))
	expectError(t, plugin.Resource(schemaToken, "s").Create(t, props{"name": name, "ifNotExists": false}), "already exists", "ifNotExists")
	schema := plugin.Resource(schemaToken, "s")
	schema.MustCreate(t, props{"name": name, "owner": owner})
	expectValues(t, schema.State, props{"owner": owner})
}

func TestASchemaInADatabaseThatIsGoneIsGone(t *testing.T) {
	schema := start(t).Resource(schemaToken, "s")
	database := unique(t, "db")
	sql(t, "postgres", "CREATE DATABASE "+ident(database))
	schema.MustCreate(t, props{"name": "s", "database": database})
	sql(t, "postgres", "DROP DATABASE "+ident(database))
	if schema.Refresh(t) {
		t.Error("the schema is not gone")
	}
	schema.MustDelete(t)
}

func TestSchemasAndExtensionsAreImportedByDatabaseAndName(t *testing.T) {
	plugin := start(t)
	name := unique(t, "schema")
	sql(t, "postgres", "CREATE SCHEMA "+ident(name)+"; CREATE EXTENSION IF NOT EXISTS citext")
	schema := plugin.Resource(schemaToken, "s")
	if found, err := schema.Import(t, "postgres."+name); err != nil || !found {
		t.Fatalf("found is %v, the error %v", found, err)
	}
	expect(t, "inputs", schema.Inputs.Mappable(), props{"__defaults": list(), "name": name, "database": "postgres", "owner": admin})
	expect(t, "diff", changedBy(schema.Diff(t, props{"name": name, "database": "postgres"})), []string(nil))
	extension := plugin.Resource(extensionToken, "e")
	if found, err := extension.Import(t, "postgres.citext"); err != nil || !found {
		t.Fatalf("found is %v, the error %v", found, err)
	}
	for _, id := range []string{"citext", "a.b.c"} {
		_, err := extension.Import(t, id)
		expectError(t, err, id, "<database>.<name>")
	}
	for _, id := range []string{"postgres.missing", "missing.citext"} {
		if found, err := extension.Import(t, id); found || err != nil {
			t.Errorf("%s: found is %v, the error %v", id, found, err)
		}
	}
}

func TestAnExtensionIsPutIntoItsDatabaseAndSchema(t *testing.T) {
	plugin := start(t)
	database, name := unique(t, "db"), "pg_trgm"
	sql(t, "postgres", "CREATE DATABASE "+ident(database))
	sql(t, database, "CREATE SCHEMA "+ident(unique(t, "schema")))
	extension := plugin.Resource(extensionToken, "e")
	extension.MustCreate(t, props{"name": name, "database": database})
	expect(t, "id", extension.ID, database+"."+name)
	expectValues(t, extension.State, props{"schema": "public", "createCascade": false, "dropCascade": false})
	expectSilent(t, extension)

	moved := props{"name": name, "database": database, "schema": unique(t, "schema"), "dropCascade": true}
	expect(t, "diff", changedBy(extension.Diff(t, moved)), []string{"dropCascade", "schema"})
	expect(t, "diff of the rest", changedBy(extension.Diff(t, props{"name": "citext", "database": "postgres"})), []string{"database!", "name!"})
	extension.MustUpdate(t, moved)
	expectSilent(t, extension)
	expectError(t, extension.Update(t, props{"name": name, "database": database, "version": "99"}), "version", "99")
	extension.MustDelete(t)
	if extension.Refresh(t) {
		t.Error("the extension is still there")
	}
	extension.MustDelete(t)
}

func TestAnExtensionBringsWhatItNeedsIfWanted(t *testing.T) {
	plugin := start(t)
	database := unique(t, "db")
	sql(t, "postgres", "CREATE DATABASE "+ident(database))
	extension := plugin.Resource(extensionToken, "e")
	expectError(t, extension.Create(t, props{"name": "earthdistance", "database": database}), "cube")
	extension.MustCreate(t, props{"name": "earthdistance", "database": database, "createCascade": true, "version": "1.1"})
	expectValues(t, extension.State, props{"version": "1.1"})
	expectSilent(t, extension)
}

func TestAnExtensionThatTheServerLacksIsNamed(t *testing.T) {
	err := start(t).Resource(extensionToken, "e").Create(t, props{"name": "no such extension"})
	expectError(t, err, "no such extension", "postgres", "installed")
}
