package readme_test

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	flagName     = regexp.MustCompile(`--[a-z][a-z-]+`)
	flagInHelp   = regexp.MustCompile(`(?m)^ +(?:-[a-z], )?(--[a-z][a-z-]+)`)
	variableName = regexp.MustCompile(`SATCHEL_[A-Z][A-Z_]*[A-Z]`)
)

// help gives what a command prints with --help.
func (in *installation) help(t testing.TB, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), in.program, append(command, "--help")...)
	cmd.Env = in.environ
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("satchel %s --help: %v", strings.Join(command, " "), err)
	}
	return string(out)
}

// testConfigurationTable compares docs/operations.md with satchel serve --help, in both directions.
func testConfigurationTable(t *testing.T, in *installation) {
	help := in.help(t, "serve")
	const document = "docs/operations.md"
	table, _, _ := strings.Cut(section(t, document, "## Configuration"), "\n\nAll faults")
	compare(t, "flags", document, flagName.FindAllString(tableRows(table), -1), firstGroups(flagInHelp, help))
	compare(t, "variables", document, variableName.FindAllString(tableRows(table), -1), variableName.FindAllString(help, -1))
}

// tableRows keeps the first two cells of every row: the flag and its variable.
func tableRows(text string) string {
	var cells []string
	for line := range strings.SplitSeq(text, "\n") {
		if parts := strings.Split(line, "|"); len(parts) > 3 {
			cells = append(cells, parts[1], parts[2])
		}
	}
	return strings.Join(cells, " ")
}

// compare holds the names in a document against those of the program, whatever their order and number.
func compare(t *testing.T, what, document string, documented, actual []string) {
	t.Helper()
	documented, actual = slices.Compact(slices.Sorted(slices.Values(documented))), slices.Compact(slices.Sorted(slices.Values(actual)))
	if len(actual) == 0 || !slices.Equal(documented, actual) {
		t.Errorf("%s in %s:\n  %s\nof the program:\n  %s", what, document, strings.Join(documented, " "), strings.Join(actual, " "))
	}
}

// testVariables: no document names a variable that no command has.
func testVariables(t *testing.T, in *installation) {
	known := map[string]bool{"SATCHEL_TOKEN": true, "SATCHEL_TEST_LLM_URL": true, "SATCHEL_TEST_POSTGRES": true, "SATCHEL_TEST_CLUSTER": true, "SATCHEL_TORTURE": true} // the last four are for the tests themselves
	for _, command := range [][]string{{"serve"}, {"doctor"}, {"put"}, {"ls"}, {"get"}, {"token", "create"}, {"fsck"}, {"backup"}, {"restore"}} {
		for _, name := range variableName.FindAllString(in.help(t, command...), -1) {
			known[name] = true
		}
	}
	for _, document := range repositoryFiles(t, ".md") {
		for _, name := range variableName.FindAllString(read(t, document), -1) {
			if !known[name] {
				t.Errorf("%s names %s; the program knows %v", document, name, slices.Sorted(maps.Keys(known)))
			}
		}
	}
}

var command = regexp.MustCompile(`(?m)(?:^|[|;&] |\$\()satchel ([a-z]+)( (?:create|info|ls|rm|set)\b)?([^|;&\n]*)`)

// testCommands: the commands in the documents have the flags that they are given there.
func testCommands(t *testing.T, in *installation) {
	helps := map[string]string{}
	for _, document := range repositoryFiles(t, ".md") {
		for _, b := range blocks(t, document) {
			if b.language != "sh" && b.language != "bash" {
				continue
			}
			for _, found := range command.FindAllStringSubmatch(b.text, -1) {
				words := strings.Fields(found[1] + found[2])
				name := strings.Join(words, " ")
				if helps[name] == "" {
					helps[name] = in.help(t, words...)
				}
				for _, flag := range flagName.FindAllString(found[3], -1) {
					if !strings.Contains(helps[name], flag+" ") && !strings.Contains(helps[name], flag+"\n") {
						t.Errorf("%s:%d: satchel %s has no flag %s", document, b.line, name, flag)
					}
				}
			}
		}
	}
}
