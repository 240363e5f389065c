package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const rootLong = `Satchel keeps files and what is known about them, and serves them over the OpenAI Files API.

Start a server, and in another terminal put a file into it:

  satchel serve
  satchel put report.pdf

Exit codes:
  0  everything was done
  1  it failed on this side: a file that cannot be read, a damaged download, fsck found faults
  2  wrong usage or configuration; nothing was started
  3  no such file, workspace, user, organization or token
  4  not allowed: no credentials, or not good enough (HTTP 401, 403)
  5  the server refuses the request as invalid (other HTTP 4xx)
  6  the server cannot be reached, is busy, or failed (HTTP 408, 429, 5xx)
  7  several things were asked for, and they did not all end the same way
  130  interrupted`

// rootCommand builds the tree of commands.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:               "satchel",
		Short:             "Keep files, and what is known about them",
		Long:              rootLong,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: p.prepare,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetHelpFunc(help)
	root.AddCommand(p.serveCommand(), p.workCommand(), p.putCommand(), p.lsCommand(), p.infoCommand(), p.metaCommand(), p.textCommand(), p.processCommand(), p.cancelCommand(), p.getCommand(), p.doctorCommand(), p.readyCommand(), p.rmCommand(),
		p.workspaceCommand(), p.userCommand(), p.orgCommand(), p.tokenCommand(), p.usageCommand(), p.auditCommand(), p.fsckCommand(), p.backupCommand(), p.restoreCommand(), p.migrateCommand(), p.openAPICommand(), p.versionCommand(), p.extractCommand())
	nameVariables(root)
	explainValues(root)
	return root
}

// prepare runs before every command: variables become flags, and misspelt ones are mentioned.
func (p *program) prepare(cmd *cobra.Command, _ []string) error {
	p.started = true
	for _, warning := range unknownVariables(p.environ, knownVariables(cmd.Root())) {
		p.sayf("satchel: warning: %s\n", warning)
	}
	return p.setFromVariables(cmd)
}

// parent is a command that only has others below it.
func parent(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{fmt.Errorf("%s needs one of its commands", cmd.CommandPath())}
		},
	}
	cmd.AddCommand(children...)
	return cmd
}
