package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// The form of file ids: "file-" and 25 characters that sort by creation.
const (
	idPrefix   = "file-"
	idLength   = 25
	idAlphabet = "0123456789abcdefghijklmnopqrstuv"
)

const maxCandidates = 5 // of an ambiguous name that are shown

// resolve finds the file that people mean: by id, by the beginning of an id that fits no other file of the workspace, or by its
// exact name.
func (p *program) resolve(ctx context.Context, c *client.Client, name string) (*api.File, error) {
	rest, isID := strings.CutPrefix(name, idPrefix)
	isID = isID && len(rest) <= idLength && strings.Trim(rest, idAlphabet) == ""
	if isID && len(rest) == idLength {
		return c.Get(ctx, name)
	}
	if isID && rest != "" {
		found, err := p.only(ctx, c, name, client.ListOptions{Order: "asc", After: before(rest)}, func(f *api.File) bool {
			return strings.HasPrefix(f.ID, name)
		})
		if found != nil || err != nil {
			return found, err
		}
	}
	found, err := p.only(ctx, c, name, client.ListOptions{Filename: name}, func(f *api.File) bool { return f.Filename == name })
	if found != nil || err != nil {
		return found, err
	}
	return nil, &hintError{
		err:  fmt.Errorf("no file %q in this workspace: it is neither an id, nor the beginning of one, nor a file's name", name),
		hint: "`satchel ls` lists the files; -w NAME looks into another workspace.", code: exitNotFound,
	}
}

// only gives the one file that the options find and match accepts; nil if there is none. More than one are an error.
func (p *program) only(ctx context.Context, c *client.Client, name string, o client.ListOptions, match func(*api.File) bool) (*api.File, error) {
	o.Limit = maxCandidates + 1
	page, err := c.List(ctx, o)
	if err != nil {
		return nil, err
	}
	var found []*api.File
	for _, f := range page.Data {
		if match(f) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, &hintError{err: errors.New("more than one file is meant by " + name), hint: p.candidates(found), code: exitUsage}
}

// candidates lists the files among which people have to choose.
func (p *program) candidates(files []*api.File) string {
	var lines []string
	for _, f := range files[:min(len(files), maxCandidates)] {
		when := age(time.Unix(f.CreatedAt, 0), p.now())
		lines = append(lines, fmt.Sprintf("%s  %8s  %4s  %s", f.ID, size(f.Bytes), when, f.Filename))
	}
	if len(files) > maxCandidates {
		lines = append(lines, "… and more")
	}
	return strings.Join(lines, "\n")
}

// before gives the id right before the first one that begins with the characters; "" when there is none. A list goes on behind the
// id that it is given, so that this one begins with the first possible.
func before(characters string) string {
	digits := []byte(characters + strings.Repeat("0", idLength-len(characters)))
	for i := idLength - 1; i >= 0; i-- {
		if digits[i] != '0' {
			digits[i] = idAlphabet[strings.IndexByte(idAlphabet, digits[i])-1]
			return idPrefix + string(digits)
		}
		digits[i] = 'v'
	}
	return ""
}
