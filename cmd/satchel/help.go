package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the longest line of a help text, in columns.
const helpWidth = 96

// help writes what a command does, an example, and its flags with their variables and defaults, by groups.
func help(cmd *cobra.Command, _ []string) {
	w := &strings.Builder{}
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s\n", about, cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExample:\n%s\n", indent(cmd.Example))
	}
	helpCommands(w, cmd)
	helpFlags(w, cmd.Flags())
	helpSecrets(w, cmd)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n'%s COMMAND --help' tells more about a command.\n", cmd.CommandPath())
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), w.String()) // run sees to it that a failure is not lost
}

func helpCommands(w *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintln(w, "\nCommands:")
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "help" {
			fmt.Fprintf(w, "  %-10s %s\n", child.Name(), child.Short)
		}
	}
}

func helpFlags(w *strings.Builder, all *pflag.FlagSet) {
	for _, group := range []string{"", groupConnection, groupServer} {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		all.VisitAll(func(f *pflag.Flag) {
			if annotation(f, groupKey) == group && f.Name != "help" {
				set.AddFlag(withVariable(f))
			}
		})
		if !set.HasFlags() {
			continue
		}
		heading := group
		if heading == "" {
			heading = "Flags"
		}
		fmt.Fprintf(w, "\n%s:\n%s", heading, set.FlagUsagesWrapped(helpWidth))
	}
}

// helpSecrets names the variables that have no flag.
func helpSecrets(w *strings.Builder, cmd *cobra.Command) {
	var secrets [][2]string
	if cmd.Flags().Lookup("token-file") != nil {
		secrets = append(secrets, [2]string{tokenVariable, "the token itself; --token-file goes before it"})
	}
	if takesRootToken(cmd) {
		secrets = append(secrets, [2]string{rootTokenVariable, "an operator's token that works while it is set (default none)"})
	}
	if takesModel(cmd) {
		secrets = append(secrets, [2]string{modelKeyVariable, "the bearer token that the model's endpoint wants (default none)"})
	}
	if len(secrets) == 0 {
		return
	}
	width := 0
	for _, secret := range secrets {
		width = max(width, len(secret[0]))
	}
	fmt.Fprint(w, "\nVariables without a flag:\n")
	for _, secret := range secrets {
		fmt.Fprintf(w, "  %-*s   %s\n", width, secret[0], secret[1])
	}
}

// withVariable copies a flag for the help text, with its variable in the description.
func withVariable(f *pflag.Flag) *pflag.Flag {
	shown := *f
	if name := annotation(f, variableKey); name != "" {
		shown.Usage += " [" + name + "]"
	}
	if shown.DefValue == "[]" { // an empty list is no default worth a word; pflag shows "" of a slice, but not of anything else
		shown.DefValue, shown.Value = "", &unchecked{Value: f.Value}
	}
	return &shown
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}
