package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/satchel-files/satchel/internal/daemon"
)

func (p *program) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Try the language model that the server would use", Args: cobra.NoArgs,
		Long: `Try the language model that the server would use, with a few small requests, and say what it can do,
how fast it is, and which host documents would be sent to. Give it what the server is given; the key
is SATCHEL_LLM_KEY.`,
		Example: "satchel doctor --llm-url http://127.0.0.1:11434/v1 --llm-model qwen2.5:7b",
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			return p.doctor(cmd.Context(), config)
		},
	}
	defaults := p.defaults()
	modelFlags(cmd.Flags(), &defaults.LLM)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Value = &unchecked{Value: f.Value} })
	cmd.SetFlagErrorFunc(p.allFaults)
	return cmd
}

func (p *program) doctor(ctx context.Context, config daemon.Config) error {
	var report daemon.ModelReport
	err := p.during("trying "+config.LLM.URL+"; a slow model may take a minute", func() (err error) {
		report, err = daemon.ExamineModel(ctx, config)
		return err
	})
	if errors.Is(err, daemon.ErrNoModel) {
		return &usageError{err}
	}
	p.printf("%s", reportText(&report))
	for _, advice := range report.Advice() {
		p.printf("\n! %s\n", clean(advice))
	}
	return err
}

// reportText lays a report out, one thing a line.
func reportText(r *daemon.ModelReport) string {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-14s %s\n", name, clean(fmt.Sprintf(format, args...)))
	}
	line("endpoint", "%s", r.URL)
	line("documents to", "%s (%s)", r.Host, pathOf(r))
	line("model", "%s", r.Model)
	if listed, known := r.Listed(); known && !listed {
		line("", "not among the %d that the endpoint lists: %s", len(r.Models), fit(strings.Join(r.Models, ", "), 80))
	}
	if r.RoundTrip > 0 {
		line("answers in", "%s", r.RoundTrip.Round(time.Millisecond))
	}
	if r.ReadPerSecond > 0 || r.WritePerSecond > 0 {
		line("speed", "reads %.0f, writes %.0f tokens a second", r.ReadPerSecond, r.WritePerSecond)
	}
	context := fmt.Sprintf("%d tokens, as configured", r.Context)
	if r.ServerContext > 0 {
		context += fmt.Sprintf("; the endpoint says %d", r.ServerContext)
	}
	line("context", "%s", context)
	line("json schema", "%s", r.JSONSchema)
	line("json object", "%s", r.JSONObject)
	line("probabilities", "%s", r.Pieces)
	line("images", "%s", r.Vision)
	return text.String()
}

// pathOf says how documents get there.
func pathOf(r *daemon.ModelReport) string {
	switch {
	case r.Loopback:
		return "this machine"
	case r.Encrypted:
		return "another machine, encrypted"
	}
	return "another machine, NOT encrypted"
}
