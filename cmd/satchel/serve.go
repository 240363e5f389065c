package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/satchel-files/satchel/internal/daemon"
)

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server, with everything in one data folder.

The first start on an empty data folder makes the organization and the workspace "default" and an
owner's token. The token is printed once and written to the credentials file of the user, so that
the other commands work at once on this machine. If SATCHEL_ROOT_TOKEN is set (32 or more printable
characters), it is an operator's token exactly while it is set, and no other one is made.

--blobs keeps the bytes of files elsewhere, in another folder or in an S3 bucket. A bucket's keys are
those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of the AWS credentials file, or of the machine.

SIGTERM and SIGINT stop it: running requests may finish, then the exit code is 0.`,
		Example: "satchel serve --listen 127.0.0.1:8484 --data ~/satchel --log-format json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			return p.serve(cmd.Context(), config)
		},
	}
	p.addServer(cmd)
	return cmd
}

// addServer defines the flags of a server.
func (p *program) addServer(cmd *cobra.Command) {
	defaults := p.defaults()
	serverFlags(cmd.Flags(), &defaults)
	dataFlag(cmd.Flags(), &defaults, "the data `folder`; made if absent")
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Value = &unchecked{Value: f.Value} })
	cmd.SetFlagErrorFunc(p.allFaults)
}

// workCommand is the server without its API.
func (p *program) workCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Process documents for servers that share a database",
		Long: `Process documents, for servers that share its PostgreSQL database and its blobs. It takes the
configuration of satchel serve, but serves no API: on --listen are only /health, /ready and /metrics.
Servers that shall leave all of the work to such processes are started with --workers 0.

SIGTERM and SIGINT stop it. What it was doing is done again by another one.`,
		Example: "SATCHEL_DATABASE=postgres://satchel@db/satchel satchel work --workers 8 --listen 127.0.0.1:8485",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			return p.work(cmd.Context(), config)
		},
	}
	p.addServer(cmd)
	return cmd
}

func (p *program) work(ctx context.Context, c daemon.Config) (err error) {
	d, err := daemon.Open(ctx, c, p.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }() //nolint:contextcheck // ctx is over by then
	p.printf("Satchel processes documents, %d at once. How it is: %s/ready\n", c.Workers, d.URL())
	return d.Run(ctx)
}

// allFaults adds what else is wrong with the configuration to a fault of the command line, at which its reader stopped.
func (p *program) allFaults(cmd *cobra.Command, err error) error {
	cmd.Flags().ParseErrorsAllowlist.UnknownFlags = true
	_ = cmd.Flags().Parse(p.args) // what is wrong is known: err
	_, faults := p.config(cmd)
	return errors.Join(err, faults)
}

// unchecked takes any text for a flag. What is wrong with it is found by config, together with everything else that is: the command line's own
// reader would stop at the first fault.
type unchecked struct {
	pflag.Value
	given *string
}

// Set keeps the text.
func (u *unchecked) Set(text string) error {
	u.given = &text
	return nil
}

// String gives the text, or the default.
func (u *unchecked) String() string {
	if u.given != nil {
		return *u.given
	}
	return u.Value.String()
}

// defaults is the configuration that holds when nothing is set.
func (p *program) defaults() daemon.Config {
	c := daemon.DefaultConfig()
	c.Data = daemon.DefaultData(map[string]string{"HOME": p.env("HOME"), "XDG_DATA_HOME": p.env("XDG_DATA_HOME")})
	return c
}

// serverFlags defines a flag for every part of the configuration but the data folder and the secret.
func serverFlags(flags *pflag.FlagSet, c *daemon.Config) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.Listen, "listen", c.Listen, "`address` to listen on; port 0 takes a free one")
	set.StringVar(&c.Downloads, "downloads", c.Downloads, "stream: bytes go through the server; redirect: clients fetch them from the bucket, by pre-signed URLs")
	set.Var(&c.S3Memory, "s3-memory", "memory for the buffers of all uploads to a bucket: with 256MiB a file may have 1 TB, with 1536MiB 5 TB")
	set.Var(&c.MaxFileBytes, "max-file-bytes", "largest file that is taken; 0: as large as fits (default 0)")
	set.Var(&c.MinFreeBytes, "min-free-bytes", "uploads leave this much free on the disk")
	set.StringVar(&c.LogFormat, "log-format", c.LogFormat, "text or json, on standard error")
	set.StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	set.StringVar(&c.TLSCert, "tls-cert", c.TLSCert, "`file` with a TLS certificate, in PEM, that is read anew when it changes (default no TLS)")
	set.StringVar(&c.TLSKey, "tls-key", c.TLSKey, "`file` with its key")
	set.StringVar(&c.PublicURL, "public-url", c.PublicURL, "`URL` under which clients reach the server, if that is not its own")
	set.StringSliceVar(&c.Origins, "cors-origins", c.Origins, "`origins` of pages that may use the API from a browser, such as https://app.example.com (default none)")
	set.StringSliceVar(&c.TrustedProxies, "trusted-proxies", c.TrustedProxies, "`networks` of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8 (default none)")
	set.StringVar(&c.PprofListen, "pprof-listen", c.PprofListen, "`address` of the profiler (default none)")
	set.DurationVar(&c.IdleTimeout, "idle-timeout", c.IdleTimeout, "a request body that does not move for so long is given up")
	set.DurationVar(&c.ShutdownTimeout, "shutdown-timeout", c.ShutdownTimeout, "how long running requests may take to finish")
	set.DurationVar(&c.SweepInterval, "sweep-interval", c.SweepInterval, "how often deleted and expired files leave the disk; with more than 45s they may stay for longer than a minute")
	set.StringVar(&c.Workspaces, "workspaces", c.Workspaces, "open: members make workspaces, also by a first upload; closed: only owners and admins do")
	set.Var(&c.RateLimit, "rate-limit", "requests with one token, such as 50/s or 3000/m; 0: no limit")
	set.Var(&c.SigninLimit, "signin-limit", "failed sign-ins from one address, such as 10/m; 0: no limit")
	set.IntVar(&c.AuditDays, "audit-days", c.AuditDays, "days for which the audit is kept; 0: for ever")
	set.IntVar(&c.Workers, "workers", c.Workers, "documents that are processed at once; 0: this server processes none")
	set.Var(&c.ExtractMemory, "extract-memory", "memory that reading one document may take")
	set.DurationVar(&c.ExtractTimeout, "extract-timeout", c.ExtractTimeout, "time that reading one document may take")
	set.StringVar(&c.OTLPEndpoint, "otlp-endpoint", c.OTLPEndpoint, "`address` of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; traces are sent there (default none)")
	set.Float64Var(&c.TraceRatio, "trace-ratio", c.TraceRatio, "the `part` of requests that is traced, from 0 to 1")
	annotate(set, groupServer)
	flags.AddFlagSet(set)
	blobsFlag(flags, c)
	modelFlags(flags, &c.LLM)
	issuerFlags(flags, &c.JWT)
}

// issuerFlags defines a flag for everything about the issuer whose tokens are believed.
func issuerFlags(flags *pflag.FlagSet, c *daemon.JWT) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.JWKSURL, "jwt-jwks-url", c.JWKSURL, "`address` of the keys of an issuer whose JWTs are believed beside Satchel's own tokens (default none)")
	set.StringVar(&c.JWKSFile, "jwt-jwks-file", c.JWKSFile, "or `file` that has them")
	set.StringVar(&c.Issuer, "jwt-issuer", c.Issuer, "what their claim iss must be")
	set.StringVar(&c.Audience, "jwt-audience", c.Audience, "what their claim aud must be or hold")
	set.StringVar(&c.UserClaim, "jwt-user-claim", c.UserClaim, "`claim` that names the user (default id, or else sub)")
	set.StringVar(&c.OrgClaim, "jwt-org-claim", c.OrgClaim, "`claim` that names the organization")
	set.StringVar(&c.New, "jwt-new", c.New, "users and organizations that are seen for the first time: refuse; users: users are made in known organizations; all: organizations too")
	annotate(set, groupServer)
	flags.AddFlagSet(set)
}

// modelFlags defines a flag for everything about the language model but its key.
func modelFlags(flags *pflag.FlagSet, c *daemon.LLM) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.URL, "llm-url", c.URL, "`address` of an OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1, whose model carries out instructions (default none)")
	set.StringVar(&c.Model, "llm-model", c.Model, "the model's `name` there")
	set.DurationVar(&c.Timeout, "llm-timeout", c.Timeout, "how long one request to the model may take")
	set.IntVar(&c.Requests, "llm-requests", c.Requests, "requests to the model under way at once")
	set.IntVar(&c.Context, "llm-context", c.Context, "the model's context, in tokens: a request and its answer together")
	set.Int64Var(&c.TokensPerFile, "llm-tokens-per-file", c.TokensPerFile, "tokens that one run on a file may spend")
	set.BoolVar(&c.Vision, "llm-vision", c.Vision, "the model takes images: it is shown pages in which no text was found")
	annotate(set, groupServer)
	flags.AddFlagSet(set)
}

// blobsFlag defines --blobs. The keys of a bucket are AWS's own variables and files.
func blobsFlag(flags *pflag.FlagSet, c *daemon.Config) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.Blobs, "blobs", c.Blobs, "`URL` of the place of the bytes: file:///folder, or s3://bucket/prefix, with ?endpoint=https://host:port and &region=name where needed (default in the data folder)")
	annotate(set, groupServer)
	flags.AddFlagSet(set)
}

// dataFlag defines --data.
func dataFlag(flags *pflag.FlagSet, c *daemon.Config, usage string) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.Data, "data", c.Data, usage)
	set.StringVar((*string)(&c.Database), "database", string(c.Database), "`URL` of a PostgreSQL database for the rows, postgres://…; a password is better kept in the variable (default in the data folder)")
	annotate(set, groupServer)
	flags.AddFlagSet(set)
}

// config joins the variables with the flags that were given, which win, and reports every fault. Of the configuration it reads what the
// command has flags for; the rest keeps its defaults.
func (p *program) config(cmd *cobra.Command) (daemon.Config, error) {
	c, err := p.configFromVariables(cmd)
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	serverFlags(set, &c)
	dataFlag(set, &c, "")
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if target := set.Lookup(f.Name); target != nil {
			err = errors.Join(err, override(target, f.Value.String()))
		}
	})
	c.Version, c.WorkOnly = version(), cmd.Name() == "work"
	if err = errors.Join(err, c.Check()); err != nil {
		return c, &usageError{err}
	}
	return c, nil
}

// configFromVariables reads the variables of the flags that were not given. What does not parse is reported and keeps its default, so that one
// fault is not found twice.
func (p *program) configFromVariables(cmd *cobra.Command) (daemon.Config, error) {
	wanted := map[string]bool{"HOME": true, "XDG_DATA_HOME": true, rootTokenVariable: takesRootToken(cmd), modelKeyVariable: takesModel(cmd)}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if annotation(f, groupKey) == groupServer && !f.Changed {
			wanted[annotation(f, variableKey)] = true
		}
	})
	var entries []string
	var faults []error
	for _, entry := range p.environ {
		if name, _, _ := strings.Cut(entry, "="); !wanted[name] {
			continue
		}
		if _, err := daemon.ConfigFromEnv([]string{entry}); err != nil {
			faults = append(faults, err)
			continue
		}
		entries = append(entries, entry)
	}
	c, err := daemon.ConfigFromEnv(entries)
	return c, errors.Join(append(faults, err)...)
}

// takesRootToken reports whether the command is the server.
func takesRootToken(cmd *cobra.Command) bool { return cmd.Flags().Lookup("listen") != nil }

// takesModel reports whether the command is told of a language model.
func takesModel(cmd *cobra.Command) bool { return cmd.Flags().Lookup("llm-url") != nil }

// override sets a flag. It keeps its value if the text does not fit.
func override(f *pflag.Flag, text string) error {
	if f.Name == "data" && text == "" {
		return errors.New("--data: the name of the data folder is empty")
	}
	before := f.Value.String()
	if err := f.Value.Set(text); err != nil {
		_ = f.Value.Set(before) // it was there before
		return badVariable("--"+f.Name, text, f, err)
	}
	return nil
}

func (p *program) serve(ctx context.Context, c daemon.Config) (err error) {
	d, err := daemon.Open(ctx, c, p.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }() //nolint:contextcheck // ctx is over by then
	p.greet(c, d.PublicURL(), d.FirstToken())
	err = d.Run(ctx)
	return err
}

// greet says where the server is, and on the first start how to use it. Whoever reads the address can use the credentials file.
func (p *program) greet(c daemon.Config, url, token string) {
	data := c.Data
	if absolute, err := filepath.Abs(data); err == nil {
		data = absolute
	}
	err := p.saveCredentials(credentials{URL: url, Token: token, Data: data})
	p.printf("Satchel listens on %s\n", url)
	if rows, bytes := c.Places(); rows == bytes {
		p.printf("Its data is in %s\n", rows)
	} else {
		p.printf("What it knows of files is in %s, their bytes are in %s\n", clean(rows), clean(bytes))
	}
	switch {
	case token != "":
		p.greetFirst(url, token, err)
		return
	case c.RootToken != "":
		p.printf("The token is the one in %s; no other one was made.\n", rootTokenVariable)
	}
	if err != nil {
		p.sayf("satchel: warning: %v\n", err)
	}
}

func (p *program) greetFirst(url, token string, saveErr error) {
	file, _ := credentialsFile()
	put := p.name + " put - --name hello.txt"
	p.printf("\nThis is the first start. The owner's token, shown only now:\n\n  %s\n\n", token)
	if saveErr == nil {
		p.printf("It is also in %s.\n", file)
	} else {
		p.printf("It was not written to the credentials file %s: %v.\n", file, saveErr)
		put = fmt.Sprintf("SATCHEL_URL=%s SATCHEL_TOKEN=%s %s", url, token, put)
	}
	p.printf("Try one of these:\n\n  echo hello | curl -H 'Authorization: Bearer %s' -F 'file=@-;filename=hello.txt' %s/files\n  echo hello | %s\n\n", token, url, put)
}
