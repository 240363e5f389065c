package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/satchel-files/satchel/internal/daemon"
)

// Keys of a flag's annotations.
const (
	variableKey = "variable" // the environment variable that is the flag's twin
	groupKey    = "group"    // the heading under which --help shows the flag
)

// The groups of flags.
const (
	groupConnection = "Connection"
	groupServer     = "Server"
)

// Variables without a flag: secrets do not belong on a command line, where everybody on the machine can read them.
const (
	tokenVariable     = daemon.EnvPrefix + "TOKEN"
	rootTokenVariable = daemon.EnvPrefix + "ROOT_TOKEN"
	modelKeyVariable  = daemon.EnvPrefix + "LLM_KEY"
)

// blobsVariable is looked at by a command that has no flag for it, too.
const blobsVariable = daemon.EnvPrefix + "BLOBS"

// annotate gives every flag of a set that is shared between commands the variable SATCHEL_NAME, and a heading.
func annotate(set *pflag.FlagSet, group string) {
	set.VisitAll(func(f *pflag.Flag) {
		f.Annotations = map[string][]string{variableKey: {daemon.EnvPrefix + upper(f.Name)}, groupKey: {group}}
	})
}

// nameVariables gives all other flags the variable SATCHEL_COMMAND_NAME, so that one meant for a command never changes another.
func nameVariables(root *cobra.Command) {
	eachFlag(root, func(cmd *cobra.Command, f *pflag.Flag) {
		if f.Annotations == nil && f.Name != "help" {
			name := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ") + "_" + f.Name
			f.Annotations = map[string][]string{variableKey: {daemon.EnvPrefix + upper(name)}}
		}
	})
}

func eachFlag(cmd *cobra.Command, visit func(*cobra.Command, *pflag.Flag)) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { visit(cmd, f) })
	for _, child := range cmd.Commands() {
		eachFlag(child, visit)
	}
}

func upper(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
}

// annotation gives one of a flag's annotations, "" when it has none.
func annotation(f *pflag.Flag, key string) string {
	if values := f.Annotations[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// setFromVariables sets the flags that were not given from their variables, and reports all that cannot be. The server's flags
// are left alone: the configuration reads their variables itself.
func (p *program) setFromVariables(cmd *cobra.Command) error {
	var faults []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := annotation(f, variableKey)
		value := p.env(name)
		if name == "" || value == "" || f.Changed || annotation(f, groupKey) == groupServer {
			return
		}
		if err := f.Value.Set(value); err != nil {
			faults = append(faults, badVariable(name, value, f, err))
		}
	})
	if len(faults) > 0 {
		return &usageError{errors.Join(faults...)}
	}
	return nil
}

// badVariable says why a value of a variable, or of a flag, does not fit. What strconv says of a number or a truth value is told by the kind of the flag.
func badVariable(name, value string, f *pflag.Flag, err error) error {
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return fmt.Errorf("%s: %q is no %s", name, value, f.Value.Type())
	}
	return fmt.Errorf("%s: %w", name, err)
}

func knownVariables(root *cobra.Command) []string {
	known := []string{tokenVariable, rootTokenVariable, modelKeyVariable}
	eachFlag(root, func(_ *cobra.Command, f *pflag.Flag) {
		if name := annotation(f, variableKey); name != "" {
			known = append(known, name)
		}
	})
	slices.Sort(known)
	return slices.Compact(known)
}

// unknownVariables gives a warning for every variable that looks like ours and is not.
func unknownVariables(environ, known []string) []string {
	var warnings []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, daemon.EnvPrefix) || slices.Contains(known, name) {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("the environment variable %s means nothing to satchel; is it %s?", clean(name), nearest(name, known)))
	}
	slices.Sort(warnings)
	return warnings
}

// nearest gives the name that takes the fewest changes of a character.
func nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is the Levenshtein distance of two ASCII strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
