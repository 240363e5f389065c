// Package daemon puts the program together: configuration, the concrete stores, the services, the HTTP server and the background work. It is the
// only place that names concrete stores. A Daemon is a value: tests open as many as they like, on port 0.
package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/dustin/go-humanize"

	"github.com/satchel-files/satchel/internal/llm/openai"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/ratelimit"
)

// EnvPrefix begins the name of every environment variable of Satchel.
const EnvPrefix = "SATCHEL_"

// Config is everything that can be set. Make one with DefaultConfig or ConfigFromEnv: the zero value is not valid.
type Config struct {
	Listen          string         `env:"LISTEN" envDefault:"127.0.0.1:8484"` // host:port; port 0 takes a free one
	Data            string         `env:"DATA"`                               // the data folder; default: DefaultData
	Database        Secret         `env:"DATABASE"`                           // postgres://…, where the rows are; empty: in the data folder
	Blobs           string         `env:"BLOBS"`                              // where the bytes lie: a URL, file:///folder or s3://bucket/prefix; empty: in the data folder
	S3Memory        Bytes          `env:"S3_MEMORY" envDefault:"256MiB"`      // for the buffers of all uploads to a bucket
	Downloads       string         `env:"DOWNLOADS" envDefault:"stream"`      // stream: through the server; redirect: to a pre-signed URL of the bucket
	MaxFileBytes    Bytes          `env:"MAX_FILE_BYTES" envDefault:"0"`      // largest file; 0: as large as fits
	MinFreeBytes    Bytes          `env:"MIN_FREE_BYTES" envDefault:"256MiB"` // what uploads leave free on the disk
	RootToken       Secret         `env:"ROOT_TOKEN"`                         // an operator's token that works while it is set
	LogFormat       string         `env:"LOG_FORMAT" envDefault:"text"`       // text or json
	LogLevel        string         `env:"LOG_LEVEL" envDefault:"info"`        // debug, info, warn or error
	TLSCert         string         `env:"TLS_CERT"`                           // file with the certificate and those between it and a root, in PEM; empty: no TLS
	TLSKey          string         `env:"TLS_KEY"`                            // file with its key
	PublicURL       string         `env:"PUBLIC_URL"`                         // under which clients reach the server; empty: its own
	Origins         []string       `env:"CORS_ORIGINS"`                       // of pages that may use the API from a browser; "*": all
	TrustedProxies  []string       `env:"TRUSTED_PROXIES"`                    // networks whose X-Forwarded-For is believed
	PprofListen     string         `env:"PPROF_LISTEN"`                       // host:port of the profiler; empty: none
	IdleTimeout     time.Duration  `env:"IDLE_TIMEOUT" envDefault:"1m"`       // a body that does not move for so long is given up
	ShutdownTimeout time.Duration  `env:"SHUTDOWN_TIMEOUT" envDefault:"30s"`  // how long running requests may take to finish
	SweepInterval   time.Duration  `env:"SWEEP_INTERVAL" envDefault:"15s"`    // how often deleted and expired files are removed from the disk
	Workspaces      string         `env:"WORKSPACES" envDefault:"open"`       // open: members make them, also by a first upload; closed: owners and admins do
	RateLimit       ratelimit.Rate `env:"RATE_LIMIT" envDefault:"0"`          // requests with one token, such as 50/s or 3000/m; 0: no limit
	SigninLimit     ratelimit.Rate `env:"SIGNIN_LIMIT" envDefault:"0"`        // failed sign-ins from one address, such as 10/m; 0: no limit
	AuditDays       int            `env:"AUDIT_DAYS" envDefault:"365"`        // that the audit is kept; 0: for ever
	Workers         int            `env:"WORKERS" envDefault:"4"`             // documents processed at once; 0: this server processes none
	ExtractMemory   Bytes          `env:"EXTRACT_MEMORY" envDefault:"512MiB"` // that the reading of one document may take
	ExtractTimeout  time.Duration  `env:"EXTRACT_TIMEOUT" envDefault:"1m"`    // that it may take
	OTLPEndpoint    string         `env:"OTLP_ENDPOINT"`                      // base address of a collector of OpenTelemetry that traces are sent to; empty: none
	TraceRatio      float64        `env:"TRACE_RATIO" envDefault:"1"`         // the part of requests that is traced, 0 to 1; a caller's own trace goes on
	LLM             LLM            `envPrefix:"LLM_"`
	JWT             JWT            `envPrefix:"JWT_"`
	WorkOnly        bool           `env:"-"` // serve no API: only process documents, and say how that goes
	Version         string         `env:"-"` // of the program
	Program         string         `env:"-"` // that is started to read documents, as "PROGRAM extract"; empty: the running one
}

// LLM says which language model carries out instructions, and how it is asked.
type LLM struct {
	URL           string        `env:"URL"`                                 // of any OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1; empty: none
	Model         string        `env:"MODEL"`                               // its name there; must be given with URL
	Key           Secret        `env:"KEY"`                                 // sent as a bearer token; empty: none
	Timeout       time.Duration `env:"TIMEOUT" envDefault:"5m"`             // of one request
	Requests      int           `env:"REQUESTS" envDefault:"2"`             // under way at once
	Context       int           `env:"CONTEXT" envDefault:"8192"`           // tokens of a request and its answer
	TokensPerFile int64         `env:"TOKENS_PER_FILE" envDefault:"500000"` // that one run may spend
	Vision        bool          `env:"VISION" envDefault:"false"`           // the model takes images
}

// JWT says whose signed tokens are believed beside Satchel's own, and what their claims mean.
type JWT struct {
	JWKSURL   string `env:"JWKS_URL"`                      // where the issuer publishes its keys; https, or http on this machine
	JWKSFile  string `env:"JWKS_FILE"`                     // or the file that has them
	Issuer    string `env:"ISSUER"`                        // what the claim iss must be
	Audience  string `env:"AUDIENCE"`                      // what the claim aud must be or hold
	UserClaim string `env:"USER_CLAIM"`                    // names the user; empty: id, or else sub
	OrgClaim  string `env:"ORG_CLAIM" envDefault:"org_id"` // names the organization
	New       string `env:"NEW" envDefault:"refuse"`       // what is done with those who are seen for the first time: refuse, users or all
}

// Configured reports whether there is a model.
func (l LLM) Configured() bool { return l.URL != "" }

// Secret is text that no log and no %v shows.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "redacted"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes is a number of bytes that people may write as 5GiB, 300MB or 1048576.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error { return b.Set(string(text)) }

// Set reads a size; with String and Type it makes Bytes a command line flag.
func (b *Bytes) Set(text string) error {
	n, err := humanize.ParseBytes(strings.TrimSpace(text))
	if err != nil || n > 1<<62 {
		return fmt.Errorf("%q is no size; write 1048576, 300MB or 5GiB", text)
	}
	*b = Bytes(n)
	return nil
}

// String writes a size as people read it, exactly.
func (b Bytes) String() string {
	units := []struct {
		size Bytes
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}}
	for _, u := range units {
		if b >= u.size && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Type names the kind of value in help texts.
func (Bytes) Type() string { return "size" }

// DefaultConfig is the configuration of a program for which nothing is set.
func DefaultConfig() Config {
	c, _ := ConfigFromEnv(nil) // defaults parse
	return c
}

// ConfigFromEnv reads the SATCHEL_ variables out of environ (as os.Environ gives it). The error joins everything that is wrong with them. Variables that it
// does not know are not its business.
func ConfigFromEnv(environ []string) (Config, error) {
	var c Config
	err := env.ParseWithOptions(&c, env.Options{
		Environment: env.ToMap(environ),
		Prefix:      EnvPrefix,
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[Bytes](): parseBytes, reflect.TypeFor[ratelimit.Rate](): parseRate},
	})
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		err = errors.Join(named(all.Errors)...)
	}
	if c.Data == "" {
		c.Data = DefaultData(env.ToMap(environ))
	}
	return c, err
}

// named makes errors of fields speak of the variables that people set.
func named(faults []error) []error {
	all := make([]error, len(faults))
	for i, fault := range faults {
		all[i] = fault
		var parse env.ParseError
		if !errors.As(fault, &parse) {
			continue
		}
		if name := variableOf(parse.Name); name != "" {
			all[i] = fmt.Errorf("%s: %w", name, parse.Err)
		}
	}
	return all
}

// variableOf gives the variable that sets a field of Config or of its LLM.
func variableOf(name string) string {
	if field, ok := reflect.TypeFor[Config]().FieldByName(name); ok {
		return EnvPrefix + field.Tag.Get("env")
	}
	if field, ok := reflect.TypeFor[LLM]().FieldByName(name); ok {
		return EnvPrefix + "LLM_" + field.Tag.Get("env")
	}
	return ""
}

func parseRate(text string) (any, error) { return ratelimit.ParseRate(text) }

func parseBytes(text string) (any, error) {
	var b Bytes
	err := b.Set(text)
	return b, err
}

// DefaultData is the user's data folder for Satchel: $XDG_DATA_HOME/satchel, else ~/.local/share/satchel (on macOS
// ~/Library/Application Support/satchel); "" if there is no home.
func DefaultData(environ map[string]string) string {
	if folder := environ["XDG_DATA_HOME"]; filepath.IsAbs(folder) {
		return filepath.Join(folder, "satchel")
	}
	home := environ["HOME"]
	switch {
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "satchel")
	}
	return filepath.Join(home, ".local", "share", "satchel")
}

// Check finds everything that is wrong with the configuration; the error joins one line for each fault.
func (c Config) Check() error {
	return errors.Join(
		checkAddress("listen", c.Listen),
		c.checkData(),
		c.checkDatabase(),
		c.checkBlobs(),
		c.checkPprof(),
		c.checkEdge(),
		checkRootToken(string(c.RootToken)),
		checkWord("log format", c.LogFormat, "text", "json"),
		checkWord("log level", c.LogLevel, "debug", "info", "warn", "error"),
		checkWord("workspaces", c.Workspaces, "open", "closed"),
		checkPositive("idle timeout", c.IdleTimeout),
		checkPositive("shutdown timeout", c.ShutdownTimeout),
		checkPositive("sweep interval", c.SweepInterval),
		checkCount("audit days", int64(c.AuditDays), 0, 36500),
		checkCount("workers", int64(c.Workers), 0, 256),
		checkPositive("extract timeout", c.ExtractTimeout),
		checkCount("extract memory", int64(c.ExtractMemory), minExtractMemory, 1<<40),
		c.checkTracing(),
		c.LLM.check(),
		c.JWT.check(),
	)
}

// checkEdge checks how clients reach the server.
func (c Config) checkEdge() error {
	var all []error
	if (c.TLSCert == "") != (c.TLSKey == "") {
		all = append(all, errors.New("TLS: a certificate goes with its key; set both, or none"))
	}
	if c.TLSCert != "" && c.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
			all = append(all, fmt.Errorf("TLS: %w", err))
		}
	}
	if c.PublicURL != "" && !isOrigin(strings.TrimSuffix(c.PublicURL, "/")) {
		all = append(all, fmt.Errorf("public URL: %q is none; write https://files.example.com", c.PublicURL))
	}
	for _, origin := range c.Origins {
		if origin == "*" && len(c.Origins) == 1 {
			continue
		}
		if !isOrigin(origin) {
			all = append(all, fmt.Errorf("CORS origins: %q is no origin; write https://app.example.com, with a port if it has one of its own and no path, or * alone", origin))
		}
	}
	_, err := c.proxies()
	return errors.Join(append(all, err)...)
}

// isOrigin reports whether text is a scheme and a host, with nothing behind them. A star in it would be a pattern, which lets in more than it seems to:
// https://*example.com has https://evilexample.com.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if u != nil && u.Port() != "" {
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || strconv.FormatUint(n, 10) != u.Port() {
			return false // no browser writes it so
		}
	}
	usual := u != nil && (u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443") // which browsers leave out
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Scheme+"://"+u.Host == text && !strings.Contains(text, "*") && !usual
}

// proxies gives the networks that are trusted; an address is a network of one.
func (c Config) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	var faults []error
	for _, text := range c.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if addr, errAddr := netip.ParseAddr(text); errAddr == nil {
			network, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("trusted proxies: %q is no network; write 10.0.0.0/8 or 192.0.2.7", text))
		}
		all = append(all, network.Masked())
	}
	return all, errors.Join(faults...)
}

// minExtractMemory is what reading a simple document takes.
const minExtractMemory = 128 << 20

func (l LLM) check() error {
	if !l.Configured() {
		if l.Model != "" || l.Key != "" || l.Vision {
			return errors.New("language model: a model, a key or vision is set, but no URL; set SATCHEL_LLM_URL, such as http://127.0.0.1:11434/v1")
		}
		return nil
	}
	return errors.Join(
		l.checkEndpoint(),
		checkPositive("LLM timeout", l.Timeout),
		checkCount("LLM requests", int64(l.Requests), 1, 256),
		checkCount("LLM context", int64(l.Context), 2048, 100_000_000),
		checkCount("LLM tokens per file", l.TokensPerFile, 1, 1<<40),
	)
}

// checkEndpoint has whoever asks the model look at what it is told of it: nothing is asked yet.
func (l LLM) checkEndpoint() error {
	_, err := openai.New(openai.Config{URL: l.URL, Model: l.Model, Key: openai.Key(l.Key)})
	return err
}

func checkCount(name string, n, least, most int64) error {
	if n < least || n > most {
		return fmt.Errorf("%s %d: it must be between %d and %d", name, n, least, most)
	}
	return nil
}

func checkAddress(name, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s address %q: write host:port, such as 127.0.0.1:8484", name, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s address %q: the port is a number from 0 to 65535", name, address)
	}
	if strings.ContainsAny(host, " /") {
		return fmt.Errorf("%s address %q: %q is no host", name, address, host)
	}
	return nil
}

func (c Config) checkPprof() error {
	if c.PprofListen == "" {
		return nil
	}
	return checkAddress("pprof", c.PprofListen)
}

// checkDatabase checks what is known of the database without asking it.
func (c Config) checkDatabase() error {
	if c.Database == "" {
		if c.WorkOnly {
			return errors.New("database: workers by themselves need one that servers share; set SATCHEL_DATABASE to postgres://…")
		}
		return nil
	}
	if c.WorkOnly && c.Workers == 0 {
		return errors.New("workers 0: a process that only works needs some")
	}
	if scheme, _, ok := strings.Cut(string(c.Database), "://"); !ok || scheme != "postgres" && scheme != "postgresql" {
		return errors.New("database: it must begin with postgres://, such as postgres://user:password@host:5432/satchel?sslmode=verify-full")
	}
	return sqlstore.CheckPostgresURL(string(c.Database))
}

// shared reports whether other processes may work on the same stores.
func (c Config) shared() bool { return c.Database != "" }

// Places says for people where rows and bytes are, without the password of a database.
func (c Config) Places() (rows, bytes string) {
	rows, bytes = c.Data, placeName(c.Blobs)
	if absolute, err := filepath.Abs(rows); err == nil {
		rows = absolute
	}
	if c.Blobs == "" {
		bytes = rows
	}
	if u, err := url.Parse(string(c.Database)); c.shared() && err == nil {
		rows = "PostgreSQL at " + u.Host + u.Path
	}
	return rows, bytes
}

func (c Config) checkData() error {
	if c.Data == "" {
		return errors.New("data folder: none is named, and there is no home folder to put it in; name one with --data or SATCHEL_DATA")
	}
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("data folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("data folder: %s is not a folder", c.Data)
	}
	return nil
}

// minRootToken is the least length of a root token: what is guessed must not be short.
const minRootToken = 32

func checkRootToken(token string) error {
	printable := !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	if token != "" && (len(token) < minRootToken || !printable) {
		return fmt.Errorf("root token: it must have %d or more printable ASCII characters without spaces", minRootToken)
	}
	return nil
}

func checkWord(name, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return fmt.Errorf("%s %q: it must be one of %s", name, value, strings.Join(words, ", "))
}

func checkPositive(name string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s %s: it must be longer than nothing, such as 30s", name, d)
	}
	return nil
}
