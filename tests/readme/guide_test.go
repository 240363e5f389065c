package readme_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const guide = "docs/api.md"

// mark ends the output of a block among those of one program.
const mark = "=== the next block ==="

// language is one in which the guide tells everything.
type language struct {
	name    string
	program func(blocks []block) string // runs one block after the other, and prints the mark behind each
	command func(t testing.TB, program string) *exec.Cmd
}

func languages() []language {
	return []language{
		{"bash", eachThen("echo; echo '" + mark + "'\n"), bash},
		{"python", eachThen("print('" + mark + "')\n"), python},
		{"js", eachThen("console.log('" + mark + "');\n"), node},
		{"go", goProgram, goRun},
	}
}

// testGuide runs the blocks of the API guide by language, one after the other: each continues from those above it.
func testGuide(t *testing.T, in *installation) {
	environ := in.serve(t)
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			found := inLanguage(blocks(t, guide), l.name)
			outputs := strings.Split(execute(t, environ, folder(t), l.command(t, l.program(found))), mark)
			for i, b := range found {
				if i > 0 || l.name == "bash" { // elsewhere the first one only imports and connects
					check(t, guide, b, outputs[i])
				}
			}
		})
	}
}

// eachThen makes a program of the blocks as they stand, with a line behind each.
func eachThen(line string) func([]block) string {
	return func(all []block) string {
		var program strings.Builder
		for _, b := range all {
			program.WriteString(b.text + line)
		}
		return program.String()
	}
}

// goProgram makes a program of the first block, which has imports and main, and the others, which are the inside of run.
func goProgram(all []block) string {
	next := "fmt.Println()\nfmt.Println(`" + mark + "`)\n"
	return "package main\n\n" + all[0].text + "\nfunc run(ctx context.Context, c *client.Client) error {\n" + next + eachThen(next)(all[1:]) + "return nil\n}\n"
}

func bash(t testing.TB, script string) *exec.Cmd {
	return exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
}

// python has the SDK that scripts/setup installs.
func python(t testing.TB, program string) *exec.Cmd {
	return exec.CommandContext(t.Context(), filepath.Join(absolute(t, root), ".cache", "python", "bin", "python"), "-c", program)
}

// node has the SDK that scripts/setup installs: modules are looked for beside the program.
func node(t testing.TB, program string) *exec.Cmd {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(absolute(t, root), "tests", "sdk", "node", "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), "node", written(t, dir, "guide.mjs", program))
}

// goRun builds the program inside the repository, whose module has the client, and gives the command that starts it.
func goRun(t testing.TB, program string) *exec.Cmd {
	dir := t.TempDir()
	built := filepath.Join(dir, "guide")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", built, written(t, dir, "main.go", program))
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, program)
	}
	return exec.CommandContext(t.Context(), built)
}

func written(t testing.TB, dir, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs a program that must succeed, and gives what it printed.
func execute(t testing.TB, environ []string, dir string, cmd *exec.Cmd) string {
	t.Helper()
	cmd.Env, cmd.Dir = environ, dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nprinted:\n%s", err, cmd, out)
	}
	return string(out)
}
