package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/satchel-files/satchel"

func TestTree(t *testing.T) {
	files, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d Go files found: is this the module's root?", len(files))
	}
	for _, fault := range slices.Concat(check(files), checkSerial(files, serialRooms(t))) {
		t.Error(fault)
	}
}

// serialRooms reads which packages the Makefile tests without the race detector, because only one goroutine works in them.
func serialRooms(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(strings.ReplaceAll(string(text), "\\\n", " "), "\nserial := ")
	line, _, _ = strings.Cut(line, "\n")
	rooms := strings.Fields(line)
	if len(rooms) == 0 {
		t.Fatal("the Makefile has no line serial := …")
	}
	return rooms
}

func TestSerialRoomsStartNothing(t *testing.T) {
	for source, want := range map[string]bool{
		"package a\nfunc f() { go f() }":                     true,
		"package a\nimport _ \"sync\"":                       true,
		"package a\nimport _ \"golang.org/x/sync/errgroup\"": true,
		"package a\nimport _ \"strings\"":                    false,
	} {
		files, err := load(fstest.MapFS{"a/a.go": {Data: []byte(source)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(checkSerial(files, []string{"a"})) > 0; got != want {
			t.Errorf("%s: faults %v, want %v", source, got, want)
		}
	}
	if faults := checkSerial(nil, []string{"a"}); len(faults) != 1 {
		t.Errorf("a package that does not exist: %v", faults)
	}
}

// Every rule must be able to fail: each case is a tree of one file that breaks one.
func TestCheckFindsFaults(t *testing.T) {
	const ours = `"` + module
	for _, c := range []struct{ name, file, source, want string }{
		{"unknown package", "internal/misplaced/a.go", "package misplaced", "stands in no line"},
		{"nouns import a room", "a.go", "package satchel\nimport _ " + ours + `/api"`, "may not import api"},
		{"nouns import a library", "a.go", "package satchel\nimport _ \"github.com/google/uuid\"", "standard library only"},
		{"api imports nouns", "api/a.go", "package api\nimport _ " + ours + `"`, "may not import ."},
		{"files imports a leaf", "internal/files/a.go", "package files\nimport _ " + ours + `/internal/meta/sqlstore"`, "may not import internal/meta/sqlstore"},
		{"a test may not do everything", "internal/files/a_test.go", "package files\nimport _ " + ours + `/internal/daemon"`, "may not import internal/daemon"},
		{"leaf imports a leaf", "internal/blob/s3blob/a.go", "package s3blob\nimport _ " + ours + `/internal/blob/diskblob"`, "may not import internal/blob/diskblob"},
		{"nobody imports bench", "internal/daemon/a.go", "package daemon\nimport _ " + ours + `/bench"`, "may not import bench"},
		{"service speaks HTTP", "internal/files/a.go", "package files\nimport _ \"net/http\"", "may not import net/http"},
		{"service speaks SQL", "internal/tenant/a.go", "package tenant\nimport _ \"database/sql\"", "may not import database/sql"},
		{"product imports testing", "internal/files/a.go", "package files\nimport _ \"testing\"", "may not import testing"},
		{"init", "internal/files/a.go", "package files\nfunc init() {}", "init function"},
		{"init in a test", "internal/files/a_test.go", "package files\nfunc init() {}", "init function"},
		{"shapeless name", "internal/blob/util/a.go", "package util", "says nothing"},
		{"package named unlike its folder", "internal/files/a.go", "package helpers", "says nothing"},
		{
			"system outside of its holders", "internal/httpapi/a.go",
			"package httpapi\nimport " + ours + "/internal/meta\"\nvar _ meta.System", "may not name meta.System",
		},
		{
			"system under another name", "internal/tenant/a.go",
			"package tenant\nimport m " + ours + "/internal/meta\"\ntype t struct{ m.BlobRegister }", "may not name meta.BlobRegister",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := checkSource(t, c.file, c.source)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("want a fault that says %q, got %q", c.want, faults)
			}
		})
	}
}

// What is right must pass, or the rules would be turned off.
func TestCheckLetsPass(t *testing.T) {
	const ours = `"` + module
	for _, c := range []struct{ name, file, source string }{
		{"contract imports nouns", "internal/blob/a.go", "package blob\nimport _ " + ours + `"`},
		{"leaf imports its contract", "internal/meta/sqlstore/a.go", "package sqlstore\nimport _ " + ours + `/internal/meta"`},
		{"test imports a real store", "internal/files/a_test.go", "package files_test\nimport _ " + ours + `/internal/meta/sqlstore"`},
		{"test imports its own package", "internal/files/a_test.go", "package files_test\nimport _ " + ours + `/internal/files"`},
		{"suite imports testing", "internal/blob/blobtest/a.go", "package blobtest\nimport _ \"testing\""},
		{"daemon imports anything", "internal/daemon/a.go", "package daemon\nimport _ " + ours + `/internal/meta/sqlstore"`},
		{"method called init", "internal/files/a.go", "package files\ntype t struct{}\nfunc (t) init() {}"},
		{"bench imports what is below it", "bench/a.go", "package main\nimport _ " + ours + `/bench/documents"`},
		{"system with its holder", "internal/maintain/a.go", "package maintain\nimport " + ours + "/internal/meta\"\nvar _ meta.System"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if faults := checkSource(t, c.file, c.source); len(faults) > 0 {
				t.Errorf("unexpected: %q", faults)
			}
		})
	}
}

func TestLoadLeavesOthersAlone(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod":                        {Data: []byte("module " + module)},
		"a.go":                          {Data: []byte("package satchel")},
		"tools/go.mod":                  {Data: []byte("module tools")},
		"tools/a.go":                    {Data: []byte("package tools")},
		".cache/a.go":                   {Data: []byte("package cache")},
		"node_modules/x/a.go":           {Data: []byte("package x")},
		"internal/x/testdata/broken.go": {Data: []byte("not Go")},
	}
	files, err := load(tree)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].name != "a.go" {
		t.Errorf("want a.go alone, got %v", files)
	}
}

func checkSource(t *testing.T, name, source string) []string {
	t.Helper()
	files, err := load(fstest.MapFS{name: {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	return check(files)
}

// source is one parsed Go file.
type source struct {
	name string // path below the root
	tree *ast.File
}

func (s source) room() string { return path.Dir(s.name) }

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

// load parses every Go file of this module: not those of modules below, of hidden folders, and of testdata.
func load(root fs.FS) ([]source, error) {
	var files []source
	set := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(root, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		files = append(files, source{name, tree})
		return err
	})
	return files, err
}

// enter gives fs.SkipDir for a folder whose Go files are not this module's.
func enter(root fs.FS, folder string) error {
	if folder == "." {
		return nil
	}
	base := path.Base(folder)
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	if err == nil || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "node_modules" || base == "testdata" {
		return fs.SkipDir
	}
	return nil
}

// check gives everything that breaks a rule, one sentence each.
func check(files []source) []string {
	var faults []string
	for _, file := range files {
		index := slices.IndexFunc(rooms(), func(r room) bool { return stands(file.room(), r.name) })
		if index < 0 {
			faults = append(faults, fmt.Sprintf("%s: %s stands in no line of the import table", file.name, file.room()))
		} else {
			faults = append(faults, checkImports(file, rooms()[index])...)
		}
		faults = append(faults, checkStandard(file)...)
		faults = append(faults, checkNames(file)...)
		faults = append(faults, checkSystem(file)...)
	}
	return faults
}

// checkImports holds a file against its line of the table.
func checkImports(file source, r room) []string {
	var faults []string
	may := r.may
	if file.isTest() {
		may = slices.Concat(r.may, r.tests, []string{file.room()})
	}
	for _, target := range imports(file) {
		ours, isOurs := relative(target)
		switch {
		case isOurs && (!standsInAny(ours, may) || standsInAny(ours, beside()) && !standsInAny(file.room(), beside())):
			faults = append(faults, fmt.Sprintf("%s: %s may not import %s", file.name, r.name, ours))
		case !isOurs && r.name == "." && strings.Contains(strings.Split(target, "/")[0], ".") && !file.isTest():
			faults = append(faults, fmt.Sprintf("%s: the nouns import the standard library only, not %s", file.name, target))
		}
	}
	return faults
}

// checkStandard finds packages of the standard library where they have no business.
func checkStandard(file source) []string {
	var faults []string
	for _, target := range imports(file) {
		service := standsInAny(file.room(), services()) && slices.Contains(foreignToServices(), target)
		product := target == "testing" && !strings.HasSuffix(file.room(), "test") && !standsInAny(file.room(), beside())
		if !file.isTest() && (service || product) {
			faults = append(faults, fmt.Sprintf("%s: %s may not import %s", file.name, file.room(), target))
		}
	}
	return faults
}

// checkNames finds packages whose names say nothing, and init functions.
func checkNames(file source) []string {
	var faults []string
	name := strings.TrimSuffix(file.tree.Name.Name, "_test")
	if slices.Contains(shapeless(), name) || slices.Contains(shapeless(), path.Base(file.room())) {
		faults = append(faults, fmt.Sprintf("%s: the package name %s says nothing of what is inside", file.name, name))
	}
	for _, declaration := range file.tree.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			faults = append(faults, file.name+": an init function: build the value where it is needed")
		}
	}
	return faults
}

// checkSystem finds types that reach across tenants outside of the packages that may hold them.
func checkSystem(file source) []string {
	if file.isTest() || standsInAny(file.room(), systemHolders()) {
		return nil
	}
	local := localName(file, module+"/internal/meta")
	var faults []string
	ast.Inspect(file.tree, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && of.Name == local && slices.Contains(systemNames(), selector.Sel.Name) {
			faults = append(faults, fmt.Sprintf("%s: %s may not name meta.%s", file.name, file.room(), selector.Sel.Name))
		}
		return true
	})
	return faults
}

// checkSerial finds what could run at once in packages in which nothing does.
func checkSerial(files []source, rooms []string) []string {
	var faults []string
	known := map[string]bool{}
	for _, file := range files {
		known[file.room()] = true
		if file.isTest() || !slices.Contains(rooms, file.room()) {
			continue
		}
		starts := slices.ContainsFunc(imports(file), func(target string) bool { return path.Base(path.Dir(target)) == "sync" || target == "sync" })
		ast.Inspect(file.tree, func(node ast.Node) bool {
			_, isGo := node.(*ast.GoStmt)
			starts = starts || isGo
			return true
		})
		if starts {
			faults = append(faults, fmt.Sprintf("%s: %s is tested without the race detector (Makefile), but works with several goroutines", file.name, file.room()))
		}
	}
	for _, room := range rooms {
		if !known[room] {
			faults = append(faults, "Makefile: there is no "+room)
		}
	}
	return faults
}

func imports(file source) []string {
	targets := make([]string, len(file.tree.Imports))
	for i, spec := range file.tree.Imports {
		targets[i], _ = strconv.Unquote(spec.Path.Value) // the parser has checked it
	}
	return targets
}

// localName is what the file calls the imported package, "" if it does not import it.
func localName(file source, target string) string {
	for _, spec := range file.tree.Imports {
		switch {
		case spec.Path.Value != strconv.Quote(target):
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path.Base(target)
		}
	}
	return ""
}

// relative gives the folder of one of our own packages.
func relative(target string) (folder string, ours bool) {
	rest, ours := strings.CutPrefix(target, module)
	if !ours || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Clean("./" + rest), true
}

// stands reports whether a folder is meant by a name of the table.
func stands(folder, name string) bool {
	parent, star := strings.CutSuffix(name, "/*")
	return name == "**" || folder == name || star && path.Dir(folder) == parent
}

func standsInAny(folder string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return stands(folder, name) })
}
