"""Asks alembic what a migration needs to know, and moves a database between revisions.

Runs in the application's own image, with its alembic.ini and env.py. Takes one argument, a JSON object with `do`:
  graph   every revision of the image, and the table that env.py keeps them in; connects to nothing
  state   where the database stands, and in which table alembic keeps that
  sql     the statements of `undo`, a list of revisions, newest first; connects to nothing
  move    undoes the revisions of `undo`, newest first, then applies those of `apply`, oldest first; when everything is
          loaded it prints what `sql` does, then READY, and waits for a line on its standard input: without one it does
          nothing; with `patience` it does not even print before a line has come within so many seconds
Prints JSON objects, each in a line that begins with MARK; whatever env.py and the migrations print stands before them.
"""

import ast
import inspect
import io
import json
import os
import re
import signal
import sys
import textwrap

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory

MARK = "rewind-alembic:"
READY = "rewind-ready"


def answer(value):
    print(f"\n{MARK}{json.dumps(value)}", flush=True)


def names(value):
    if value is None:
        return []
    return [value] if isinstance(value, str) else sorted(value)


def does_something(function):
    """False for a function that is not there, is empty, or does nothing but refuse."""
    if function is None:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return True
    for statement in tree.body[0].body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (is_text or isinstance(statement, (ast.Pass, ast.Raise, ast.Return))):
            return True
    return False


def describe(script, revision):
    entry = script.get_revision(revision)
    return {
        "revision": entry.revision,
        "down": names(entry.down_revision),
        "dependsOn": names(entry._resolved_dependencies),
        "labels": sorted(entry.branch_labels or []),
        "about": (entry.doc or "").strip(),
        "upgrades": does_something(getattr(entry.module, "upgrade", None)),
        "downgrades": does_something(getattr(entry.module, "downgrade", None)),
    }


def graph(config, script):
    revisions = [describe(script, entry.revision) for entry in script.walk_revisions()]
    return {"heads": sorted(script.get_heads()), "revisions": revisions, "versionTable": version_table(config, script)}


def in_environment(config, script, work, **options):
    """Runs env.py as alembic's own commands do; `work` gets the revisions and the context."""
    with EnvironmentContext(config, script, fn=work, **options):
        script.run_env()


def state(config, script):
    found = {}

    def look(heads, context):
        found["heads"] = sorted(context.get_current_heads())
        found["table"] = context.version_table
        found["schema"] = context.version_table_schema
        return []

    in_environment(config, script, look)
    return found


def version_table(config, script):
    """Runs env.py as for SQL, which needs no database, to see what it configures. None where it cannot run like that."""
    found = {}

    def look(heads, context):
        found["table"] = context.version_table
        if context.version_table_schema:
            found["schema"] = context.version_table_schema
        return []

    buffer, config.output_buffer = config.output_buffer, io.StringIO()
    try:
        in_environment(config, script, look, as_sql=True)
    except (Exception, SystemExit):  # whatever an env.py does that needs a database
        pass
    config.output_buffer = buffer
    return found or None


def steps(script, undo, apply):
    revisions = script.revision_map
    return [MigrationStep.downgrade_from_script(revisions, script.get_revision(it)) for it in undo] + [
        MigrationStep.upgrade_from_script(revisions, script.get_revision(it)) for it in apply
    ]


def sql(config, script, undo):
    """One revision at a time, so that one that cannot be written down as SQL does not hide the others."""
    told = []
    buffer = config.output_buffer
    for revision in undo:
        config.output_buffer = io.StringIO()
        entry = script.get_revision(revision)
        try:
            in_environment(
                config,
                script,
                lambda heads, context: steps(script, [revision], []),
                as_sql=True,
                starting_rev=revision,
                destination_rev=(names(entry.down_revision) or ["base"])[0],
            )
            told.append({"revision": revision, "sql": config.output_buffer.getvalue()})
        except (Exception, SystemExit) as error:  # whatever a migration does that needs a database
            told.append({"revision": revision, "problem": f"{type(error).__name__}: {error}".split("\n")[0]})
    config.output_buffer = buffer
    return {"steps": told}


def move(config, script, undo, apply, patience):
    version_table(config, script)  # loads what env.py imports: whoever waits for the go stops the application first
    told = sql(config, script, undo)
    if patience:
        signal.alarm(patience)
        if not sys.stdin.readline():
            sys.exit("nobody has come")
        signal.alarm(0)
    answer(told)
    print(f"\n{READY}", flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody said to go on")
    in_environment(config, script, lambda heads, context: steps(script, undo, apply))
    return state(config, script)


def main():
    task = json.loads(sys.argv[1])
    config = Config(os.environ.get("ALEMBIC_CONFIG", "alembic.ini"))
    prepend = config.get_main_option("prepend_sys_path")
    if prepend:
        sys.path[:0] = [path for path in re.split(r"[,: ]+|\n", prepend) if path]
    script = ScriptDirectory.from_config(config)
    if task["do"] == "graph":
        answer(graph(config, script))
    elif task["do"] == "state":
        answer(state(config, script))
    elif task["do"] == "sql":
        answer(sql(config, script, task["undo"]))
    else:
        answer(move(config, script, task["undo"], task["apply"], task.get("patience")))


main()
