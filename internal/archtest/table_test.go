// Package archtest keeps the shape of the program: which package may import which, and a few rules that no linter knows.
// It reads the files itself; an answer from the go command would come out of the test cache after the tree has changed.
package archtest

// room is one line of the import table. Names are folders below the module's root, "." the root itself; "x/*" stands for every
// folder right under x, and "**" for everything of ours.
type room struct {
	name  string
	may   []string // what its files may import of ours
	tests []string // what its test files may import besides, and besides itself: real parts, and the suites of contracts
}

// rooms is the import table of docs/architecture.md. A package that stands in no line fails the test: decide where it belongs first.
func rooms() []room {
	return []room{
		{name: "."},
		{name: "api"},
		{name: "internal/console", tests: []string{"internal/daemon"}},
		{name: "client", may: []string{"api"}, tests: []string{"internal/daemon"}},

		{name: "internal/blob", may: []string{"."}, tests: []string{"internal/blob/*"}},
		{name: "internal/blob/*", may: []string{".", "internal/blob"}, tests: []string{"internal/blob/*"}},
		{name: "internal/meta", may: []string{"."}, tests: []string{"internal/meta/*"}},
		{name: "internal/meta/*", may: []string{".", "internal/meta"}, tests: []string{"internal/meta/*"}},
		{name: "internal/llm", may: []string{"."}, tests: []string{"internal/llm/*"}},
		{name: "internal/llm/*", may: []string{".", "internal/llm"}, tests: []string{"internal/llm/*"}},
		{name: "internal/extract/charset"},
		{name: "internal/extract", may: []string{".", "internal/extract/charset"}, tests: []string{"internal/extract/*"}},
		{
			name: "internal/extract/text", may: []string{".", "internal/extract", "internal/extract/charset"},
			tests: []string{"internal/extract/*"},
		},
		{
			name: "internal/extract/markup", may: []string{".", "internal/extract", "internal/extract/charset", "internal/extract/text"},
			tests: []string{"internal/extract/*"},
		},
		{
			name: "internal/extract/mail", may: []string{
				".", "internal/extract", "internal/extract/charset", "internal/extract/markup", "internal/extract/text",
			},
			tests: []string{"internal/extract/*"},
		},
		{name: "internal/extract/*", may: []string{".", "internal/extract"}, tests: []string{"internal/extract/*"}},

		{name: "internal/tenant", may: []string{".", "internal/meta"}, tests: []string{"internal/meta/*"}},
		{name: "internal/jobs", may: []string{".", "internal/meta"}, tests: []string{"internal/meta/*"}},
		{
			name: "internal/files", may: []string{".", "internal/blob", "internal/meta", "internal/metaschema"},
			tests: []string{"internal/blob/*", "internal/meta/*", "internal/tenant"},
		},
		{
			name: "internal/maintain", may: []string{".", "internal/blob", "internal/meta"},
			tests: []string{"internal/blob/*", "internal/meta/*", "internal/tenant", "internal/files"},
		},
		{name: "internal/metaschema", may: []string{"."}},
		{name: "internal/instruct", may: []string{".", "internal/llm", "internal/metaschema"}, tests: []string{"internal/llm/*"}},
		{
			name: "internal/process", may: []string{".", "internal/files", "internal/extract", "internal/llm", "internal/jobs", "internal/instruct"},
			tests: []string{
				"internal/blob", "internal/blob/*", "internal/meta", "internal/meta/*", "internal/extract/*", "internal/llm/*",
				"internal/tenant",
			},
		},
		{name: "internal/ratelimit"},
		{
			name: "internal/httpapi", may: []string{".", "api", "internal/files", "internal/ratelimit", "internal/tenant"},
			tests: []string{"internal/blob", "internal/blob/*", "internal/meta", "internal/meta/*", "internal/maintain", "internal/daemon"},
		},
		{name: "internal/daemon", may: []string{"**"}},
		{
			name: "cmd/satchel", may: []string{"api", "client", "internal/daemon", "internal/extract", "internal/extract/*"},
			tests: []string{".", "internal/maintain", "internal/llm/llmtest", "internal/meta/postgrestest"},
		},

		{name: "internal/archtest"},
		{name: "bench", may: []string{"**"}},
		{name: "bench/*", may: []string{"**"}},
		{name: "tests/*", may: []string{"**"}},
		{name: "tests/cluster/run", may: []string{"tests/cluster"}},
	}
}

// beside are the folders of programs that stand beside the product: they may use all of it, and nothing of it may use them.
func beside() []string {
	return []string{"bench", "bench/*", "tests/*", "tests/cluster/run", "internal/archtest"}
}

// systemHolders may name what belongs to no tenant (meta.System and its parts): nobody else reaches across tenants. The daemon only hands it on.
func systemHolders() []string {
	return []string{"internal/meta", "internal/meta/*", "internal/maintain", "internal/files", "internal/daemon", "bench", "bench/*", "tests/*"}
}

// systemNames are the types of package meta that reach across tenants.
func systemNames() []string {
	return []string{"System", "BlobRegister", "RunRegister", "AuditRegister"}
}

// services decide; they speak neither HTTP nor SQL.
func services() []string {
	return []string{
		".", "internal/blob", "internal/meta", "internal/tenant", "internal/files", "internal/maintain", "internal/process",
		"internal/metaschema", "internal/instruct", "internal/llm", "internal/extract",
	}
}

// foreignToServices are the standard packages that a service never imports.
func foreignToServices() []string { return []string{"net/http", "database/sql"} }

// shapeless are names that say nothing of what is inside.
func shapeless() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "shared"}
}
