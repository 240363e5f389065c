// Package readme keeps the documents honest: the blocks of the README and of the API guide run word for word against a real server, the tables of
// flags and variables are those of the program, and links lead somewhere.
//
// Blocks marked bash, python, js and go are run there; one marked sh is only shown, and its satchel commands must have the flags that they use.
package readme_test

import (
	"testing"
)

// TestDocuments holds the documents against the program, which is built once.
func TestDocuments(t *testing.T) {
	in := install(t)
	t.Run("readme", func(t *testing.T) { testReadme(t, in) })
	t.Run("guide", func(t *testing.T) { testGuide(t, in) })
	t.Run("configuration table", func(t *testing.T) { testConfigurationTable(t, in) })
	t.Run("variables", func(t *testing.T) { testVariables(t, in) })
	t.Run("commands", func(t *testing.T) { testCommands(t, in) })
}

// testReadme runs every block of the README by itself, since people copy one and not the others.
func testReadme(t *testing.T, in *installation) {
	environ := in.serve(t)
	found := inLanguage(blocks(t, "README.md"), "bash")
	if len(found) < 2 {
		t.Fatalf("the README has %d bash blocks; curl and the CLI have one each at least", len(found))
	}
	for _, b := range found {
		check(t, "README.md", b, execute(t, environ, folder(t), bash(t, b.text)))
	}
	for _, b := range inLanguage(blocks(t, "README.md"), "python") {
		check(t, "README.md", b, execute(t, environ, folder(t), python(t, b.text)))
	}
}

func check(t *testing.T, document string, b block, output string) {
	t.Helper()
	if len(b.expect) == 0 {
		t.Errorf("%s:%d: the block says nowhere what is expected of it: <!-- expect: … -->", document, b.line)
	}
	for _, want := range b.expect {
		if !want.MatchString(output) {
			t.Errorf("%s:%d: no %s in the output:\n%s", document, b.line, want, output)
		}
	}
}
