package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/satchel-files/satchel/client"
)

// defaultURL is where `satchel serve` listens when nothing is configured.
const defaultURL = "http://127.0.0.1:8484"

// connection is which server a command talks to, and how.
type connection struct {
	url       string
	tokenFile string
	workspace string
	verbose   bool
}

// addTo defines the flags of a connection. Commands on files also have a workspace.
func (c *connection) addTo(flags *pflag.FlagSet, workspace bool) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.tokenFile, "token-file", "", "`file` that holds the token (default: the credentials file's token)")
	if workspace {
		set.StringVarP(&c.workspace, "workspace", "w", "", "`name` of the workspace (default \"default\")")
	}
	annotate(set, groupConnection)
	flags.AddFlagSet(set)
	c.addAddressTo(flags)
}

// addAddressTo defines the flags of a connection that needs no token.
func (c *connection) addAddressTo(flags *pflag.FlagSet) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.StringVar(&c.url, "url", "", "the server's `URL`; default: the credentials file's, else "+defaultURL)
	set.BoolVarP(&c.verbose, "verbose", "v", false, "show every request with its id on standard error")
	annotate(set, groupConnection)
	flags.AddFlagSet(set)
}

// connect makes a client. Flags win over variables, and these over the credentials file, whose token goes to its own URL alone.
func (p *program) connect(c *connection) (*client.Client, error) {
	saved, err := p.readCredentials()
	if err != nil {
		return nil, err
	}
	token, err := p.token(c)
	if err != nil {
		return nil, err
	}
	address := cmp.Or(c.url, saved.URL)
	if token == "" && strings.TrimRight(address, "/") == strings.TrimRight(saved.URL, "/") {
		token = saved.Token
	}
	address = cmp.Or(address, defaultURL)
	if err := checkURL(address); err != nil {
		return nil, err
	}
	if token == "" {
		return nil, p.noToken(address)
	}
	if err := checkToken(token); err != nil {
		return nil, err
	}
	return client.New(address, token, p.options(c)...), nil
}

// visit makes a client without a token, which asks only once.
func (p *program) visit(c *connection) (*client.Client, error) {
	saved, err := p.readCredentials()
	if err != nil {
		return nil, err
	}
	address := cmp.Or(c.url, saved.URL, defaultURL)
	if err := checkURL(address); err != nil {
		return nil, err
	}
	return client.New(address, "", append(p.options(c), client.WithRetries(0, 0))...), nil
}

func (p *program) options(c *connection) []client.Option {
	options := []client.Option{client.WithStrict(), client.WithWorkspace(c.workspace), client.WithUserAgent("satchel-cli/" + version())}
	if c.verbose {
		options = append(options, client.WithOnResponse(p.trace))
	}
	return options
}

func (p *program) trace(r *http.Response) {
	p.sayf("%s %s: %s, request %s\n", r.Request.Method, r.Request.URL.Redacted(), r.Status, clean(r.Header.Get("X-Request-Id")))
}

// token gives the token of --token-file or SATCHEL_TOKEN, "" if there is neither.
func (p *program) token(c *connection) (string, error) {
	if c.tokenFile == "" {
		return strings.TrimSpace(p.env(tokenVariable)), nil
	}
	text, err := os.ReadFile(c.tokenFile)
	if err != nil {
		return "", usagef("token file: %w", err)
	}
	if token := strings.TrimSpace(string(text)); token != "" {
		return token, nil
	}
	return "", usagef("token file: %s is empty", c.tokenFile)
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return usagef("%q is no URL of a server; write it like %s", redacted(address), defaultURL)
	}
	return nil
}

// redacted gives an address without the password that may stand in it.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Redacted()
	}
	if at := strings.LastIndex(address, "@"); at >= 0 {
		return "…" + address[at:] // it cannot be read, so all that might be a password goes
	}
	return address
}

// checkToken finds what no token has and no header may have. It does not show the token.
func checkToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return usagef("the token in SATCHEL_TOKEN, --token-file or the credentials file has white space or other characters in it that no token has; " +
			"are there two of them?")
	}
	return nil
}

func (p *program) noToken(address string) error {
	file, err := credentialsFile()
	if err != nil {
		file = "the credentials file"
	}
	return &hintError{
		err: errors.New("no token for " + redacted(address)),
		hint: "The first start of `satchel serve` writes one to " + file + ".\n" +
			"Elsewhere, set SATCHEL_URL and SATCHEL_TOKEN. If the token is lost, make one on the server's machine:\n" +
			"  satchel token create --data DIR --user NAME --role owner",
		code: exitForbidden,
	}
}
