//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
)

// openServer is the program in bench/open: the API without authentication.
type openServer struct {
	base
	data string
}

func (s *openServer) name() string { return "without authentication" }

func (s *openServer) start(ctx context.Context) error {
	return s.launch(ctx, &request{method: "GET", path: "/ready"}, nil, s.b.programs.open, func(addr string) []string {
		return []string{"--listen", addr, "--data", s.data}
	})
}

// beginOpen starts one on a copy of a data folder that no server uses.
func (b *bench) beginOpen(ctx context.Context, data string) (*openServer, error) {
	dir, err := b.folder("open")
	if err != nil {
		return nil, err
	}
	s := &openServer{base: base{b: b, dir: dir}, data: filepath.Join(dir, "data")}
	if err := os.CopyFS(s.data, os.DirFS(data)); err != nil {
		return nil, err
	}
	return s, b.begin(ctx, s)
}

// signIns reads the description of files as infos does, with a token of the kind that people have, with the server's root token, and without any.
func (b *bench) signIns(ctx context.Context) ([]contestant, error) {
	data, err := b.filled(ctx, b.files)
	if err != nil {
		return nil, err
	}
	open, err := b.beginOpen(ctx, data)
	if err != nil {
		return nil, err
	}
	ours, ids, err := b.beginSatchel(ctx, b.files)
	if err != nil {
		return nil, err
	}
	made, err := b.call(ours, &request{method: "POST", path: "/tokens", header: satchelAuth + "Content-Type: application/json\r\n", prefix: `{"user":"bench","role":"member"}`})
	if err != nil {
		return nil, err
	}
	secret, err := field(made, "token")
	if err != nil {
		return nil, err
	}
	auth := "Authorization: Bearer " + secret + "\r\n"
	read := func(header string) func(i int) *request {
		return func(i int) *request {
			return &request{method: "GET", path: "/files/" + ids[i], header: header}
		}
	}
	token, root := b.readsOf(ours, read(auth)), b.readsOf(ours, read(satchelAuth))
	root.name = "satchel, with the root token"
	return []contestant{token, root, b.readsOf(open, read(""))}, nil
}
