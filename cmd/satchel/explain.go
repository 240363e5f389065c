package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// number is the value of a flag that is a whole number. It says what would be right, where strconv names its functions.
type number struct{ pflag.Value }

// Set implements pflag.Value.
func (n number) Set(text string) error {
	err := n.Value.Set(text)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%q is too large a number", text)
	}
	return fmt.Errorf("%q is no whole number; write digits alone, such as 12", text)
}

// truth is the value of a flag that is on or off.
type truth struct{ pflag.Value }

// Set implements pflag.Value.
func (t truth) Set(text string) error {
	if t.Value.Set(text) != nil {
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return nil
}

// called is the value of a flag that names somebody or something, or several. The API takes the word null for nothing, so that the command would be
// carried out elsewhere than it says.
type called struct{ pflag.Value }

// Set implements pflag.Value.
func (n called) Set(text string) error {
	if slices.Contains(strings.Split(text, ","), "null") {
		return errors.New("null means to the server that nothing is given; where something is called so, use its id, or rename it")
	}
	return n.Value.Set(text)
}

// explainValues has all flags say what is wrong with what they are given, and what would be right.
func explainValues(root *cobra.Command) {
	eachFlag(root, func(_ *cobra.Command, f *pflag.Flag) {
		switch kind := f.Value.Type(); {
		case strings.HasPrefix(kind, "int"):
			f.Value = number{f.Value}
		case kind == "bool":
			f.Value = truth{f.Value}
		case f.Name == "org" || f.Name == "user" || f.Name == "workspace":
			f.Value = called{f.Value}
		}
	})
}

// named has a command take the arguments that its usage names: NAME, [NAME] for one that may be left out, NAME… for one or more.
func named(cmd *cobra.Command, args []string) error {
	names := usageNames(cmd.Use)
	var missing []string
	for _, name := range names[min(len(args), len(names)):] {
		if !strings.HasPrefix(name, "[") {
			missing = append(missing, strings.TrimSuffix(name, "…"))
		}
	}
	last := len(names) - 1
	switch {
	case len(missing) == 1:
		return fmt.Errorf("%s is missing: %s", missing[0], cmd.UseLine())
	case len(missing) > 1:
		return fmt.Errorf("%s are missing: %s", strings.Join(missing, " and "), cmd.UseLine())
	case len(args) > len(names) && !strings.HasSuffix(names[last], "…"):
		return fmt.Errorf("%q is one too many: %s; text with spaces stands in quotation marks", args[len(names)], cmd.UseLine())
	}
	return nil
}

// usageNames gives what stands behind a command's own name, with what belongs together in brackets.
func usageNames(use string) (names []string) {
	depth := 0
	for _, word := range strings.Fields(use)[1:] {
		if depth > 0 {
			names[len(names)-1] += " " + word
		} else {
			names = append(names, word)
		}
		depth += strings.Count(word, "[") - strings.Count(word, "]")
	}
	return names
}
