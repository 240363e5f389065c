package openai

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// endpoint is where an API is.
type endpoint struct {
	base string // with its version, without a slash at the end
	root string // what stands before the version: there some servers tell of themselves
	host string // as documents' owners see it, with the port if it stands in the URL
	safe bool   // nobody between here and there can read along: loopback or https
	near bool   // loopback
}

// version finds the segment of a path that gives an API's version, such as v1 or v1beta.
var version = regexp.MustCompile(`/v[0-9][0-9a-z]*(/|$)`)

const example = `write it like "http://127.0.0.1:8080/v1"`

// parseEndpoint reads the base URL as people give it. Its errors never show a password.
func parseEndpoint(text string) (endpoint, error) {
	const name = "SATCHEL_LLM_URL: "
	text = strings.TrimSpace(text)
	if text == "" {
		return endpoint{}, errors.New(name + "the URL of the language model is missing; " + example)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return endpoint{}, errors.New(name + "that is no URL with http or https; " + example)
	case u.User != nil:
		return endpoint{}, errors.New(name + "a URL with a user or password is not taken; put a key into SATCHEL_LLM_KEY, and " + example)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return endpoint{}, fmt.Errorf("%sa URL with a query or fragment is not taken; %s", name, example)
	}
	path, whole := strings.CutSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/chat/completions")
	root := path
	if at := version.FindStringIndex(path); at != nil {
		root = path[:at[0]]
	} else if !whole {
		path += "/v1"
	}
	origin := u.Scheme + "://" + u.Host
	near := isLoopback(u.Hostname())
	return endpoint{base: origin + path, root: origin + root, host: u.Host, near: near, safe: near || u.Scheme == "https"}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
